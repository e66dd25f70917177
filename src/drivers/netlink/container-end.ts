import { familyOf } from "../../base/ip-address.ts";
import type { EndSpec } from "../../ports/links.ts";
import { type LinkFact, readLinks } from "./facts.ts";
import { addAddress, addDefaultRoute } from "./ip-requests.ts";
import { setLink } from "./requests.ts";
import { applySetting, writeSysctl } from "./settings.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Prefixes of link-local addresses: 169.254.0.0/16, fe80::/64 */
const LINK_LOCAL_PREFIX = { 4: 16, 6: 64 };

/** Inside the namespace: brings the container's end up; returns the index of the host's end. */
export function configureEnd(socket: NetlinkSocket, spec: EndSpec): number {
  const { index, peer } = mustFind(socket, spec.name);
  const linkLocal = (spec.linkLocal ?? []).map((address) => `${address}/${LINK_LOCAL_PREFIX[familyOf(address)]}`);
  const addresses = [...spec.addresses, ...linkLocal];
  // before it is up: it would ask the neighbours about its link-local address and take what routers offer
  const ipv6 = addresses.some((cidr) => familyOf(cidr) === 6);
  writeSysctl(`ipv6/conf/${spec.name}/accept_ra`, "0");
  writeSysctl(`ipv6/conf/${spec.name}/accept_dad`, "0");
  writeSysctl(`ipv6/conf/${spec.name}/disable_ipv6`, ipv6 ? "0" : "1");
  socket.batch([
    ...addresses.map((cidr) => addAddress(index, cidr)),
    setLink(index, { up: true }),
    ...(spec.gateways ?? []).map((gateway) => addDefaultRoute(gateway, index)),
  ]);
  for (const [name, value] of Object.entries(spec.settings ?? {})) applySetting(name, value);
  return peer;
}

export function mustFind(socket: NetlinkSocket, name: string): LinkFact {
  const link = readLinks(socket).find((candidate) => candidate.name === name);
  if (link === undefined) throw new Error(`link ${name} is not in the namespace`);
  return link;
}
