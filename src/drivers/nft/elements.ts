import type { PublishedPort } from "../../ports/firewall.ts";
import { checkedAddress, checkedPort, checkedProtocol, isV6 } from "./checked.ts";
import type { Elements, Holder } from "./table.ts";

/** A published port is one element: host address, protocol, host port → container address, port. */
export const PORT_HOLDERS: Holder[] = [
  { kind: "map", name: "published", type: "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service" },
  { kind: "map", name: "published_any", type: "type inet_proto . inet_service : ipv4_addr . inet_service" },
  { kind: "map", name: "published6", type: "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service" },
  { kind: "map", name: "published6_any", type: "type inet_proto . inet_service : ipv6_addr . inet_service" },
  { kind: "set", name: "opened", type: "type ipv4_addr . inet_proto . inet_service" },
  { kind: "set", name: "opened6", type: "type ipv6_addr . inet_proto . inet_service" },
];

/** Where on the host a port is published; undefined: nowhere, it is open at the container's own address. */
export function hostSide(port: PublishedPort): { any: boolean; key: string } | undefined {
  if (port.routed) return undefined;
  const host = checkedAddress(port.hostAddress);
  const key = `${checkedProtocol(port.protocol)} . ${checkedPort(port.hostPort)}`;
  return host === "0.0.0.0" || host === "::" ? { any: true, key } : { any: false, key: `${host} . ${key}` };
}

/** The elements that published ports are, in the order of their holders. */
export function portElements(ports: PublishedPort[]): Elements {
  const elements: Elements = new Map(PORT_HOLDERS.map(({ name }) => [name, []]));
  for (const port of ports) {
    const six = isV6(port.address) ? "6" : "";
    const host = hostSide(port);
    const address = checkedAddress(port.address);
    const inside = checkedPort(port.port);
    if (host === undefined) {
      elements.get(`opened${six}`)?.push(`${address} . ${checkedProtocol(port.protocol)} . ${inside}`);
      continue;
    }
    if (isV6(port.hostAddress) !== isV6(address)) {
      throw new TypeError(`${port.hostAddress} and ${address} are of different families`);
    }
    elements.get(`published${six}${host.any ? "_any" : ""}`)?.push(`${host.key} : ${address} . ${inside}`);
  }
  return elements;
}
