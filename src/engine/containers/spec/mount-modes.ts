import { GantryError } from "../../../base/errors.ts";

/** The last part of `-v source:target:mode`, read. */
export interface MountMode {
  readOnly: boolean;
  noCopy: boolean;
  propagation?: string;
}

const PROPAGATIONS = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
const CONSISTENCY = new Set(["consistent", "cached", "delegated", "default"]);

const category = (word: string): string | undefined => {
  if (word === "ro" || word === "rw") return "access";
  if (word === "z" || word === "Z") return "label";
  if (word === "nocopy") return "copy";
  if (PROPAGATIONS.has(word)) return "propagation";
  return CONSISTENCY.has(word) ? "consistency" : undefined;
};

/** Throws invalid BAD_MOUNT_MODE for an unknown word, or two words of one kind. */
export function readMode(mode: string): MountMode {
  const refuse = (): GantryError => new GantryError("invalid", "BAD_MOUNT_MODE", `invalid mode: ${mode}`);
  const seen = new Map<string, string>();
  for (const word of mode === "" ? [] : mode.split(",")) {
    const kind = category(word);
    if (kind === undefined || seen.has(kind)) throw refuse();
    seen.set(kind, word);
  }
  const propagation = seen.get("propagation");
  return { readOnly: seen.get("access") === "ro", noCopy: seen.has("copy"), ...(propagation && { propagation }) };
}

/** Whether the word could be a mode: tells `-v /data:ro` (a mistake) from `-v name:/data`. */
export const looksLikeMode = (text: string): boolean => text.split(",").every((word) => category(word) !== undefined);

export const isPropagation = (word: string): boolean => PROPAGATIONS.has(word);
