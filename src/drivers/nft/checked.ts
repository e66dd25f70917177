import { canonicalAddress } from "../../base/ip-address.ts";
import { isLinkName } from "../../base/link-name.ts";

/** Nothing that a user wrote gets into nft text: names are checked against a narrow alphabet, the rest is written anew. */
export function checkedLink(name: string): string {
  if (!isLinkName(name)) throw new TypeError(`not a link name: ${JSON.stringify(name)}`);
  return name;
}

export const isV6 = (address: string): boolean => address.includes(":");

export function checkedAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined) throw new TypeError(`not an IP address: ${JSON.stringify(text)}`);
  return address;
}

export function checkedSubnet(subnet: string): string {
  const [address = "", prefix = ""] = subnet.split("/");
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (isV6(address) ? 128 : 32)) {
    throw new TypeError(`not a subnet: ${JSON.stringify(subnet)}`);
  }
  return `${checkedAddress(address)}/${Number(prefix)}`;
}

export function checkedPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new TypeError(`not a port: ${port}`);
  return port;
}

const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);
export function checkedProtocol(protocol: string): string {
  if (!PROTOCOLS.has(protocol)) throw new TypeError(`not a protocol: ${JSON.stringify(protocol)}`);
  return protocol;
}

/** "ip" or "ip6", as nft's expressions call them. */
export const familyOf = (address: string): "ip" | "ip6" => (isV6(address) ? "ip6" : "ip");

export const quoted = (link: string): string => `"${checkedLink(link)}"`;

export const oneOf = (links: string[]): string => `{ ${links.map(quoted).join(", ")} }`;
