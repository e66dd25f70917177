import { canonicalAddress, familyOf } from "../../../base/ip-address.ts";
import { parseLink } from "../../../base/link.ts";
import { type EndpointRecord, hasNames, type NetworkRecord, type SandboxRecord } from "../record.ts";
import type { DnsQuery, DnsRecord } from "./message.ts";
import type { NetworkNames } from "./names.ts";

export interface ResolverFacts {
  network: (id: string) => NetworkRecord | undefined;
  names: (network: NetworkRecord) => NetworkNames;
}

const REVERSE = /^((?:\d{1,3}\.){4})in-addr\.arpa$/i;
const REVERSE6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i;

/**
 * What a container on these networks is told about names and addresses of its sisters; undefined: nobody there has that
 * name. A name that is known has no other records than its addresses.
 */
export function answerLocally(
  query: Pick<DnsQuery, "name" | "type" | "class">,
  sandbox: Pick<SandboxRecord, "endpoints">,
  facts: ResolverFacts,
): DnsRecord[] | undefined {
  if (query.class !== "IN") return undefined;
  const places = placesOf(sandbox.endpoints, facts);
  if (query.type === "PTR") return reverse(query.name, places);
  const addresses = addressesOf(query.name.toLowerCase(), places);
  if (addresses === undefined) return undefined;
  const records = addresses.map((data) => ({ type: familyOf(data) === 4 ? ("A" as const) : ("AAAA" as const), data }));
  return records.filter(({ type }) => query.type === type || query.type === "ANY");
}

/** The list begins elsewhere each time, so that clients that take the first spread out. `chance`: any whole number. */
export const rotated = <T>(list: readonly T[], chance: number): T[] => {
  const at = list.length === 0 ? 0 : chance % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
};

interface Place {
  network: NetworkRecord;
  endpoint: EndpointRecord;
  names: NetworkNames;
}

function placesOf(endpoints: EndpointRecord[], facts: ResolverFacts): Place[] {
  return endpoints.flatMap((endpoint) => {
    const network = facts.network(endpoint.networkId);
    return network && hasNames(network) ? [{ network, endpoint, names: facts.names(network) }] : [];
  });
}

/** The whole name on any network first, then `name.network`, split at every dot from the right. */
function addressesOf(name: string, places: Place[]): string[] | undefined {
  const everywhere = firstOf(places, (place) => lookUp(name, place));
  if (everywhere) return everywhere;
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    const network = name.slice(at + 1);
    const there = places.filter((place) => place.network.name.toLowerCase() === network);
    const found = firstOf(there, (place) => lookUp(name.slice(0, at), place));
    if (found) return found;
  }
  return undefined;
}

function lookUp(name: string, { endpoint, names }: Place): string[] | undefined {
  for (const link of endpoint.asked.Links ?? []) {
    const { name: target, alias } = parseLink(link);
    if (alias.toLowerCase() !== name) continue;
    const linked = names.addresses.get(target.toLowerCase());
    if (linked) return linked;
  }
  return names.addresses.get(name);
}

function reverse(name: string, places: Place[]): DnsRecord[] | undefined {
  const address = reversedAddress(name);
  if (address === undefined) return undefined;
  return firstOf(places, ({ network, names }) => {
    const container = names.containers.get(address);
    return container === undefined ? undefined : [{ type: "PTR" as const, data: `${container}.${network.name}` }];
  });
}

/** "2.0.0.10.in-addr.arpa" → "10.0.0.2"; the same of IPv6, digit by digit, below ip6.arpa. */
function reversedAddress(name: string): string | undefined {
  const backwards = (text: string): string[] => text.slice(0, -1).split(".").toReversed();
  const [, numbers] = REVERSE.exec(name) ?? [];
  if (numbers !== undefined) return backwards(numbers).join(".");
  const [, digits] = REVERSE6.exec(name) ?? [];
  if (digits === undefined) return undefined;
  return canonicalAddress(
    backwards(digits)
      .join("")
      .replace(/.{4}(?=.)/g, "$&:"),
  );
}

function firstOf<T, R>(list: T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of list) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
