import { GantryError } from "../../base/errors.ts";
import type { VolumeRecord } from "./volume-record.ts";

export type Filters = ReadonlyMap<string, string[]>;

export function checkFilterNames(filters: Filters, known: readonly string[]): void {
  for (const name of filters.keys()) {
    if (!known.includes(name)) throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${name}'`);
  }
}

/** A filter that is yes or no; undefined when it is absent. Throws invalid BAD_FILTERS. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined || values.length === 0) return undefined;
  const words = new Set(values.map((value) => value.toLowerCase()));
  const yes = ["1", "true"].some((word) => words.has(word));
  const no = ["0", "false"].some((word) => words.has(word));
  if (yes === no) throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${name}=[${values.join(" ")}]'`);
  return yes;
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const cut = wanted.indexOf("=");
  const key = cut < 0 ? wanted : wanted.slice(0, cut);
  return Object.hasOwn(labels, key) && (cut < 0 || labels[key] === wanted.slice(cut + 1));
}

/** `label` and `label!`: all of the former, none of the latter. */
export function matchesLabels(record: VolumeRecord, filters: Filters): boolean {
  return (
    (filters.get("label") ?? []).every((wanted) => hasLabel(record.labels, wanted)) &&
    !(filters.get("label!") ?? []).some((wanted) => hasLabel(record.labels, wanted))
  );
}

const any = (values: string[] | undefined, test: (value: string) => boolean): boolean =>
  values === undefined || values.length === 0 || values.some(test);

/** For `volume ls`; `used` tells whether a container refers to it. */
export function matchesList(record: VolumeRecord, filters: Filters, used: (name: string) => boolean): boolean {
  const dangling = booleanFilter(filters, "dangling");
  return (
    any(filters.get("name"), (value) => record.name.includes(value)) &&
    any(filters.get("driver"), (value) => value === record.driver) &&
    matchesLabels(record, filters) &&
    (dangling === undefined || dangling !== used(record.name))
  );
}
