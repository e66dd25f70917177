import { GantryError } from "../../base/errors.ts";
import { type ContainerRecord, isUp } from "./record.ts";

const KNOWN = new Set([
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
]);
const HEALTH = new Set(["none", "starting", "healthy", "unhealthy"]);
const STATUSES = new Set(["created", "restarting", "running", "removing", "paused", "exited", "dead"]);

export interface ListQuery {
  all: boolean;
  /** The newest so many, running or not; 0: no limit. */
  limit: number;
  filters: Map<string, string[]>;
}

export interface ListFacts {
  /** Newest first. */
  containers: ContainerRecord[];
  find: (reference: string) => ContainerRecord;
  /** All names of an image and of its ancestors' ids. */
  imageMatches: (record: ContainerRecord, reference: string) => boolean;
}

/** `docker ps`. Pure. Throws invalid BAD_FILTERS in Docker's words. */
export function listContainers(facts: ListFacts, query: ListQuery): ContainerRecord[] {
  const { filters } = query;
  for (const [key, values] of filters) {
    if (!KNOWN.has(key)) throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${key}'`);
    for (const value of values) requireValue(key, value);
  }
  const byState = filters.has("status") || filters.has("exited") || filters.has("health");
  const everything = query.all || query.limit > 0 || byState;
  const before = edge(facts, filters.get("before"));
  const since = edge(facts, filters.get("since"));
  const matched = facts.containers.filter(
    (record) =>
      (everything || isUp(record) || record.state.status === "restarting") &&
      (before === undefined || record.created < before) &&
      (since === undefined || record.created > since) &&
      [...filters].every(([key, values]) => matches(record, key, values, facts)),
  );
  return query.limit > 0 ? matched.slice(0, query.limit) : matched;
}

/** Throws for a value that the filter can't have. */
function requireValue(key: string, value: string): void {
  const bad = (message: string): GantryError => new GantryError("invalid", "BAD_FILTERS", message);
  if (key === "status" && !STATUSES.has(value)) {
    throw bad(`invalid value for status filter: invalid container state (${value})`);
  }
  if (key === "health" && !HEALTH.has(value)) {
    throw bad(`invalid value for health filter: invalid health status (${value})`);
  }
  if (key === "exited" && !/^[+-]?\d+$/.test(value)) throw bad(`strconv.Atoi: parsing "${value}": invalid syntax`);
  if (key === "is-task" && !["0", "1", "true", "false"].includes(value)) {
    throw bad(`invalid filter 'is-task=[${value}]'`);
  }
  if ((key === "publish" || key === "expose") && !/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/.test(value)) {
    throw bad(`error while looking up for ${key} ${value}: a port like 80, 80-90 or 80/udp is expected`);
  }
}

const edge = (facts: ListFacts, references: string[] | undefined): string | undefined =>
  references?.[0] === undefined ? undefined : facts.find(references[0]).created;

function matches(record: ContainerRecord, key: string, values: string[], facts: ListFacts): boolean {
  switch (key) {
    case "id":
      return values.some((value) => record.id.startsWith(value) || asPattern(value).test(record.id));
    case "name":
      return values.some(
        (value) => asPattern(value.replace(/^\//, "")).test(record.name) || asPattern(value).test(`/${record.name}`),
      );
    case "status":
      return values.includes(record.state.status);
    case "exited":
      return record.state.status === "exited" && values.map(Number).includes(record.state.exitCode);
    case "health":
      return values.includes(record.state.health?.Status ?? "none");
    case "label":
      return values.every((value) => hasLabel(record.config.Labels ?? {}, value));
    case "ancestor":
      return values.some((value) => facts.imageMatches(record, value));
    case "volume":
      return values.some((value) => record.mounts.some((mount) => mount.Name === value || mount.Destination === value));
    case "network":
      return values.some((value) =>
        Object.entries(record.attachment?.networks ?? record.networking).some(
          ([name, endpoint]) => name === value || (value !== "" && endpoint?.NetworkID?.startsWith(value)),
        ),
      );
    case "publish":
      return values.some((value) =>
        Object.entries(record.attachment?.ports ?? {}).some(([port, bindings]) =>
          (bindings ?? []).some(({ HostPort }) => portMatches(`${HostPort}/${port.split("/")[1]}`, value)),
        ),
      );
    case "expose":
      return values.some((value) =>
        Object.keys(record.config.ExposedPorts ?? {}).some((port) => portMatches(port, value)),
      );
    case "is-task":
      return values.every((value) => value === "false" || value === "0");
    default:
      return true;
  }
}

/** Docker reads name and id filters as regular expressions; what is none is taken as text. */
function asPattern(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    return new RegExp(value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  }
}

function portMatches(port: string, wanted: string): boolean {
  const [range = "", protocol = "tcp"] = wanted.split("/");
  const [number = "", own = "tcp"] = port.split("/");
  const [first = "", last = first] = range.split("-");
  return own === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
}

/** `key`, `key=value`. */
export function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const at = wanted.indexOf("=");
  return at < 0 ? wanted in labels : labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}
