import type { EventMessage } from "./message.ts";

export type EventFilters = ReadonlyMap<string, string[]>;

const BY_NAME = ["container", "network", "volume", "daemon", "plugin", "service", "node", "secret", "config"];

/** Actions whose text goes on after a colon; without one, the filter means all of them. */
const WITH_DETAIL = ["exec_create", "exec_start", "health_status"];

function matchesAction(wanted: string, action: string): boolean {
  return wanted === action || (WITH_DETAIL.includes(wanted) && action.startsWith(`${wanted}:`));
}

/** The name without its tag: "reg:5000/a:1" → "reg:5000/a". */
const withoutTag = (name: string): string => name.replace(/:[^:/@]*$/, "");

function matchesImage(wanted: string, event: EventMessage): boolean {
  const { ID, Attributes } = event.Actor;
  const name = Attributes[event.Type === "image" ? "name" : "image"] ?? "";
  return [ID, name, withoutTag(ID), withoutTag(name)].includes(wanted);
}

function matchesLabel(wanted: string, attributes: Record<string, string>): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return Object.hasOwn(attributes, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(attributes, key) && attributes[key] === wanted.slice(equals + 1);
}

const some = (values: string[] | undefined, test: (value: string) => boolean): boolean =>
  values === undefined || values.length === 0 || values.some(test);

/**
 * Every filter must match; a filter with several values matches by any of them, labels by all. What events have no filter
 * for leaves nothing out, as in Docker.
 */
export function matchesFilters(event: EventMessage, filters: EventFilters): boolean {
  const { ID, Attributes } = event.Actor;
  const byName = BY_NAME.every((type) =>
    some(
      filters.get(type),
      (value) => event.Type === type && (ID.startsWith(value) || (Attributes["name"] ?? "").startsWith(value)),
    ),
  );
  return (
    byName &&
    some(filters.get("type"), (value) => value === event.Type) &&
    some(filters.get("event"), (value) => matchesAction(value, event.Action)) &&
    some(filters.get("scope"), (value) => value === event.scope) &&
    some(filters.get("image"), (value) => matchesImage(value, event)) &&
    (filters.get("label") ?? []).every((value) => matchesLabel(value, Attributes))
  );
}
