import { GantryError } from "../../base/errors.ts";
import { familiarName, familiarRepository, type ImageReference } from "../../base/reference.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { ImageRecord } from "./contract.ts";

export type Filters = Map<string, string[]>;

/** Throws invalid BAD_FILTERS for a filter that the command doesn't have. */
export function checkFilterNames(filters: Filters, known: string[]): void {
  for (const name of filters.keys()) {
    if (!known.includes(name)) throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${name}'`);
  }
}

/** A filter that is true or false; undefined if not given. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined || values.length === 0) return undefined;
  const meant = values.map((value) =>
    ["1", "true"].includes(value) ? true : ["0", "false"].includes(value) ? false : undefined,
  );
  if (meant[0] === undefined || meant.some((one) => one !== meant[0])) {
    throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${name}=[${values.join(" ")}]'`);
  }
  return meant[0];
}

/** `key` or `key=value`, all of them. */
export const matchesLabels = (labels: Record<string, string> | undefined, wanted: string[]): boolean =>
  wanted.every((one) => {
    const [key = "", ...value] = one.split("=");
    if (labels === undefined || !Object.hasOwn(labels, key)) return false;
    return !one.includes("=") || labels[key] === value.join("=");
  });

/** Milliseconds since the epoch; 0 for an image without a time. */
export const createdMs = (record: ImageRecord): number =>
  record.config.created ? Date.parse(record.config.created) || 0 : 0;

/** The earliest of the `until` times, in milliseconds. */
export function untilFilter(filters: Filters, now: number): number | undefined {
  const values = filters.get("until");
  if (values === undefined || values.length === 0) return undefined;
  if (values.length > 1) throw new GantryError("invalid", "BAD_FILTERS", "more than one until filter specified");
  return Number(parseTimestamp(values[0]!, now) / 1_000_000n);
}

/** A shell pattern as Go's path.Match has it: `*` and `?` stop at a slash. Throws invalid BAD_FILTERS. */
export function globPattern(glob: string): RegExp {
  let source = "";
  for (let i = 0; i < glob.length; i += 1) {
    const char = glob[i]!;
    if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) throw new GantryError("invalid", "BAD_FILTERS", "syntax error in pattern");
      const inner = glob
        .slice(i + 1, end)
        .replaceAll("\\", "\\\\")
        .replaceAll("[", "\\[");
      source += `[${inner}]`;
      i = end;
    } else {
      if (char === "\\") i += 1;
      source += (glob[i] ?? "\\").replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    }
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch (cause) {
    throw new GantryError("invalid", "BAD_FILTERS", "syntax error in pattern", { cause });
  }
}

/** The `reference` filter: the whole familiar name, or the repository alone. */
export const matchesReference = (name: ImageReference, patterns: RegExp[]): boolean =>
  patterns.some((pattern) => pattern.test(familiarName(name)) || pattern.test(familiarRepository(name)));
