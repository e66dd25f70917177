import type { PublishedPort } from "../../ports/firewall.ts";
import { checkedAddress, checkedPort, checkedProtocol, isV6 } from "./checked.ts";

/** A published port is one element: host address, protocol, host port → container address, port. */
export const PORT_DEFINITIONS = [
  "map published { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
  "map published_any { type inet_proto . inet_service : ipv4_addr . inet_service; }",
  "map published6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }",
  "map published6_any { type inet_proto . inet_service : ipv6_addr . inet_service; }",
  "set opened { type ipv4_addr . inet_proto . inet_service; }",
  "set opened6 { type ipv6_addr . inet_proto . inet_service; }",
];

/** What holds published ports, in the order of PORT_DEFINITIONS. */
export const PORT_HOLDERS = PORT_DEFINITIONS.map((text) => text.split(" ").slice(0, 2).join(" "));

const nameOf = (holder: string): string => holder.split(" ")[1] ?? "";

/** The name of the map or set that a published port is in, and its element there. */
export function elementOf(port: PublishedPort): { holder: string; key: string; value?: string } {
  const six = isV6(port.address) ? "6" : "";
  const protocol = checkedProtocol(port.protocol);
  const address = checkedAddress(port.address);
  const inside = checkedPort(port.port);
  if (port.routed) return { holder: `opened${six}`, key: `${address} . ${protocol} . ${inside}` };
  const host = checkedAddress(port.hostAddress);
  if (isV6(host) !== isV6(address)) throw new TypeError(`${host} and ${address} are of different families`);
  const at = `${protocol} . ${checkedPort(port.hostPort)}`;
  const value = `${address} . ${inside}`;
  if (host === "0.0.0.0" || host === "::") return { holder: `published${six}_any`, key: at, value };
  return { holder: `published${six}`, key: `${host} . ${at}`, value };
}

/** One command for each of the maps and sets that has something to change. */
export function planElements(verb: "add" | "delete", table: string, ports: PublishedPort[]): string[] {
  const lists = new Map<string, string[]>();
  for (const port of ports) {
    const { holder, key, value } = elementOf(port);
    const list = lists.get(holder) ?? [];
    lists.set(holder, list);
    list.push(value === undefined ? key : `${key} : ${value}`);
  }
  return PORT_HOLDERS.map(nameOf).flatMap((holder) => {
    const list = lists.get(holder);
    return list === undefined ? [] : [`${verb} element inet ${table} ${holder} { ${list.join(", ")} }`];
  });
}
