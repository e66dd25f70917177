import type { HostConfig, PortBinding } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { familyOf } from "../../base/ip-address.ts";
import type { PortState } from "../networks/contract.ts";
import { portKey, type PortWish } from "../networks/port-plan.ts";

/** "80/tcp" → host addresses and ports. */
export type PortBindings = Record<string, PortBinding[] | null>;

/** Those of the host config, and these. */
export function withBindings(host: HostConfig, more: PortBindings): HostConfig {
  const all: PortBindings = { ...host.PortBindings };
  for (const [key, bindings] of Object.entries(more)) {
    const present = Object.keys(all).find((candidate) => portKey(candidate) === portKey(key)) ?? portKey(key);
    all[present] = [...(all[present] ?? []), ...(bindings ?? [])];
  }
  return { ...host, PortBindings: all };
}

/**
 * What is meant by `asked`: a key without bindings is all of that port's; no host address is any, no host port too.
 * Throws notFound NOT_PUBLISHED.
 */
export function pickPorts(states: PortState[], asked: PortBindings): PortState[] {
  const picked = new Set<PortState>();
  for (const [key, bindings] of Object.entries(asked)) {
    for (const binding of bindings?.length ? bindings : [{}]) {
      const found = states.filter((state) => state.wish.key === portKey(key) && isMeant(state, binding));
      if (found.length === 0) throw notPublished(key, binding, states);
      for (const state of found) picked.add(state);
    }
  }
  // a wish and its twin of the other family are one binding
  return states.filter((state, index) =>
    [
      state,
      state.wish.twin ? states[index - 1] : undefined,
      states[index + 1]?.wish.twin ? states[index + 1] : undefined,
    ].some((one) => one !== undefined && picked.has(one)),
  );
}

function isMeant({ wish, port }: PortState, { HostIp, HostPort }: PortBinding): boolean {
  if (HostIp && HostIp !== wish.hostAddress) return false;
  return !HostPort || HostPort === String(port?.hostPort) || HostPort === rangeText(wish);
}

/** The host config without what led to `gone`. */
export function withoutBindings(host: HostConfig, exposed: string[], gone: PortWish[]): HostConfig {
  const named = namedBindings(host);
  const all = host.PublishAllPorts === true && gone.some(({ key }) => named[key] === undefined);
  // the others that it stands for get bindings of their own
  const left = all ? withExposed(named, exposed) : named;
  for (const wish of gone) {
    if (!wish.twin) takeBinding(left, wish);
    if (left[wish.key]?.length === 0) delete left[wish.key];
  }
  return { ...host, PortBindings: left, ...(all && { PublishAllPorts: false }) };
}

/** What the host config does not ask for. */
export function unasked(states: PortState[], host: HostConfig, exposed: string[]): PortState[] {
  const left = host.PublishAllPorts ? withExposed(namedBindings(host), exposed) : namedBindings(host);
  let asked = false;
  return states.filter(({ wish }) => {
    if (!wish.twin) asked = takeBinding(left, wish);
    return !asked;
  });
}

const namedBindings = ({ PortBindings = {} }: HostConfig): Record<string, PortBinding[]> =>
  Object.fromEntries(
    Object.entries(PortBindings).flatMap(([key, list]) => (list?.length ? [[portKey(key), [...list]]] : [])),
  );

const withExposed = (named: Record<string, PortBinding[]>, exposed: string[]): Record<string, PortBinding[]> => ({
  ...Object.fromEntries(exposed.map((key) => [portKey(key), [{}]])),
  ...named,
});

/** Takes the binding out that leads to the wish: one of its host address, else one that names none. */
function takeBinding(bindings: Record<string, PortBinding[]>, wish: PortWish): boolean {
  const own = bindings[wish.key] ?? [];
  const fit = own.filter(({ HostPort = "" }) => (HostPort === "0" ? "" : HostPort) === rangeText(wish));
  const taken = fit.find(({ HostIp }) => HostIp === wish.hostAddress) ?? fit.find(({ HostIp }) => !HostIp);
  if (taken === undefined) return false;
  own.splice(own.indexOf(taken), 1);
  return true;
}

/** Host ports as a binding has them; "": any. */
const rangeText = ({ hostPorts }: PortWish): string => {
  if (hostPorts === undefined) return "";
  const { first, last } = hostPorts;
  return first === last ? String(first) : `${first}-${last}`;
};

/** In Docker's shape: where it is, or as it was asked for. */
export function portMapOf(states: PortState[]): Record<string, PortBinding[]> {
  const map: Record<string, PortBinding[]> = {};
  const isUp = states.some(({ port }) => port !== undefined);
  for (const { wish, port } of states) {
    if (port === undefined && (isUp || wish.twin)) continue;
    const HostPort = port ? String(port.hostPort) : rangeText(wish);
    (map[wish.key] ??= []).push({ HostIp: wish.hostAddress, HostPort });
  }
  return map;
}

/** "0.0.0.0:8080->80/tcp, …", as `ps` has them. */
export const portWords = (states: PortState[]): string =>
  Object.entries(portMapOf(states))
    .flatMap(([key, bindings]) =>
      bindings.map(
        ({ HostIp = "", HostPort }) => `${HostIp.includes(":") ? `[${HostIp}]` : HostIp}:${HostPort}->${key}`,
      ),
    )
    .join(", ");

/** Of a container that is down: a host port can't be its twice. Throws conflict PORT_TAKEN. */
export function refuseTwice(present: PortState[], more: PortState[]): void {
  for (const [index, { wish }] of more.entries()) {
    const others = [...present, ...more.slice(0, index)];
    if (!others.some((other) => wish.hostPorts && isSamePlace(other.wish, wish))) continue;
    throw new GantryError(
      "conflict",
      "PORT_TAKEN",
      `Bind for ${wish.hostAddress}:${rangeText(wish)} failed: port is already allocated (held by the container itself)`,
    );
  }
}

const isSamePlace = (a: PortWish, b: PortWish): boolean =>
  a.protocol === b.protocol &&
  a.hostPorts?.first === a.hostPorts?.last &&
  rangeText(a) === rangeText(b) &&
  familyOf(a.hostAddress) === familyOf(b.hostAddress) &&
  (a.hostAddress === b.hostAddress || [a.hostAddress, b.hostAddress].some((one) => one === "0.0.0.0" || one === "::"));

function notPublished(key: string, { HostIp = "", HostPort = "" }: PortBinding, states: PortState[]): GantryError {
  const place = HostPort === "" ? HostIp : `${HostIp === "" ? "" : `${HostIp}:`}${HostPort}`;
  const message = `port ${portKey(key)} is not published${place === "" ? "" : ` at ${place}`}`;
  const hint = states.length === 0 ? "the container publishes no ports" : `published: ${portWords(states)}`;
  return new GantryError("notFound", "NOT_PUBLISHED", message, { hint });
}
