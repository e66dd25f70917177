import { GantryError } from "./errors.ts";

export const ANNOTATED = ["manifest", "index", "manifest-descriptor", "index-descriptor"] as const;

/** What a manifest, an index and the descriptors of both say besides; `index-descriptor` is for archives. */
export type Annotations = Partial<Record<(typeof ANNOTATED)[number], Record<string, string>>>;

/** `key=value` for the manifest, `index:key=value`, `manifest,index:key=value`. Throws invalid BAD_ANNOTATION. */
export function parseAnnotations(texts: readonly string[]): Annotations {
  const annotations: Annotations = {};
  for (const text of texts) {
    const [, places = "manifest", key = "", value] = /^(?:([a-z,-]+):)?([^=\s]+)=(.*)$/s.exec(text) ?? [];
    if (key === "" || value === undefined)
      throw bad(`invalid annotation ${JSON.stringify(text)}: expected [TYPE:]KEY=VALUE`);
    for (const place of places.split(",")) {
      const known = ANNOTATED.find((one) => one === place);
      if (known === undefined) throw bad(`unknown annotation type ${place}: one of ${ANNOTATED.join(", ")}`);
      annotations[known] = { ...annotations[known], [key]: value };
    }
  }
  return annotations;
}

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_ANNOTATION", message);
