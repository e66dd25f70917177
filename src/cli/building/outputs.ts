import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { intoFile, intoFolder } from "../../local/build-outputs.ts";
import { FlagError } from "../flags.ts";
import { fileError } from "../file-errors.ts";

const TYPES = ["image", "registry", "local", "tar", "oci", "docker"] as const;

/** One `--output`. */
export interface OutputWish {
  type: "image" | "local" | "tar" | "oci" | "docker";
  /** "-" is stdout; undefined for an image. */
  dest?: string;
  /** Further names of an image. */
  names: string[];
  push: boolean;
}

/** `type=local,dest=out`, `out` for the same, `-` for a tar on stdout. Throws FlagError. */
export function parseOutput(text: string): OutputWish {
  if (!text.includes("=")) return wish(text === "-" ? "tar" : "local", text, [], false);
  const fields = new Map<string, string>();
  const names: string[] = [];
  let last = "";
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    // name=a,b: further names
    if (at === -1 && last === "name") names.push(part);
    else if (at === -1) throw new FlagError(`invalid value ${part} in --output`);
    else {
      last = part.slice(0, at).toLowerCase();
      if (last === "name") names.push(part.slice(at + 1));
      else fields.set(last, part.slice(at + 1));
    }
  }
  const type = fields.get("type");
  if (type === undefined) throw new FlagError("type is required for output");
  const known = TYPES.find((one) => one === type);
  if (known === undefined) throw new FlagError(`unknown output type ${type}: one of ${TYPES.join(", ")}`);
  for (const key of fields.keys()) {
    if (!["type", "dest", "push"].includes(key)) throw new FlagError(`unknown output option ${key} in '${text}'`);
  }
  const push = known === "registry" || fields.get("push") === "true";
  if (known === "image" || known === "registry") return { type: "image", names, push };
  const dest = fields.get("dest") ?? (known === "local" ? undefined : "-");
  if (dest === undefined) throw new FlagError("dest is required for local output");
  return wish(known, dest, names, push);
}

function wish(type: "local" | "tar" | "oci" | "docker", dest: string, names: string[], push: boolean): OutputWish {
  if (push) throw new FlagError(`push is for images, not for ${type}`);
  if (type === "local" && dest === "-") throw new FlagError("dest file - can't be a folder");
  return { type, dest, names, push };
}

/** Writes what the engine sends to where it was wished for. */
export async function writeOutput(
  { type, dest = "-" }: OutputWish,
  cwd: string,
  bytes: AsyncIterable<Buffer>,
): Promise<void> {
  if (dest === "-") {
    await pipeline(bytes, process.stdout, { end: false });
    return;
  }
  try {
    await (type === "local" ? intoFolder : intoFile)(resolve(cwd, dest), bytes);
  } catch (error) {
    throw fileError("write", dest, error);
  }
}
