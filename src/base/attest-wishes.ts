import { GantryError } from "./errors.ts";

/** What is to be said of an image besides it. */
export interface AttestWishes {
  provenance?: { max: boolean; builderId: string };
  sbom: boolean;
}

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_ATTEST_OPTION", message, { hint });

/** `type=provenance,mode=max`, `type=sbom`, `type=sbom,disabled=true`; the last of a type counts. Throws invalid BAD_ATTEST_OPTION. */
export function parseAttestWishes(texts: readonly string[]): AttestWishes {
  const wishes: AttestWishes = { sbom: false };
  for (const text of texts) {
    const fields = new Map(
      text.split(",").map((field): [string, string] => {
        const [key = "", ...value] = field.split("=");
        return [key, value.join("=")];
      }),
    );
    const type = taken(fields, "type");
    const wanted = taken(fields, "disabled") !== "true";
    if (type === "sbom") wishes.sbom = wanted;
    else if (type === "provenance") {
      const mode = taken(fields, "mode") || "min";
      const version = taken(fields, "version") || "v0.2";
      const builderId = taken(fields, "builder-id") ?? "";
      if (mode !== "min" && mode !== "max") throw bad(`provenance: mode is min or max, not ${mode}`);
      if (version !== "v0.2") throw bad(`provenance: version ${version} is not supported`, "it is always v0.2");
      if (wanted) wishes.provenance = { max: mode === "max", builderId };
      else delete wishes.provenance;
    } else throw bad(`unknown attestation type ${type ?? `in ${text}`}`, "types are provenance and sbom");
    const [unknown] = fields.keys();
    if (unknown !== undefined) throw bad(`${type}: unknown option ${unknown}`);
  }
  return wishes;
}

function taken(fields: Map<string, string>, key: string): string | undefined {
  const value = fields.get(key);
  fields.delete(key);
  return value;
}
