import { GantryError } from "../../base/errors.ts";
import type { NetworkView } from "./render.ts";

/** Filters of the API: by name, the values of which any may match (labels: all must). */
export type NetworkFilters = ReadonlyMap<string, string[]>;

const LIST = ["dangling", "driver", "id", "label", "name", "scope", "type"];
const PRUNE = ["label", "label!", "until"];

/** Errors: invalid BAD_FILTERS. */
export function checkNetworkFilters(filters: NetworkFilters, use: "list" | "prune"): void {
  const known = use === "list" ? LIST : PRUNE;
  for (const name of filters.keys()) {
    if (!known.includes(name)) throw badFilter(`invalid filter '${name}'`);
  }
  for (const type of filters.get("type") ?? []) {
    if (type !== "builtin" && type !== "custom") throw badFilter(`invalid filter: 'type'='${type}'`);
  }
}

export interface FilterFacts {
  builtin: boolean;
  /** A container is on it. */
  used: boolean;
  /** Milliseconds: what is younger is kept (prune's `until`). */
  until?: number;
}

/** True if the network passes all filters. */
export function matchesNetwork(network: NetworkView, filters: NetworkFilters, facts: FilterFacts): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(test);
  };
  const has = (label: string): boolean => {
    const [key = "", ...value] = label.split("=");
    return Object.hasOwn(network.Labels, key) && (value.length === 0 || network.Labels[key] === value.join("="));
  };
  return (
    any("name", (value) => network.Name.includes(value)) &&
    any("id", (value) => network.Id.includes(value)) &&
    any("driver", (value) => network.Driver === value) &&
    any("scope", (value) => network.Scope === value) &&
    any("type", (value) => facts.builtin === (value === "builtin")) &&
    any("dangling", (value) => isTrue(value) === (!facts.builtin && !facts.used)) &&
    (filters.get("label") ?? []).every(has) &&
    !(filters.get("label!") ?? []).some(has) &&
    (facts.until === undefined || Date.parse(network.Created) < facts.until)
  );
}

function isTrue(value: string): boolean {
  if (["1", "true", "True", "TRUE", "t", "T"].includes(value)) return true;
  if (["0", "false", "False", "FALSE", "f", "F"].includes(value)) return false;
  throw badFilter(`invalid filter 'dangling=${value}'`);
}

const badFilter = (message: string): GantryError => new GantryError("invalid", "BAD_FILTERS", message);
