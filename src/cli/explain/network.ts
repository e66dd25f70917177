import type { ByHand, NetworkSection } from "../../wire/types/explain.ts";
import type { Cell, Picture } from "./draw.ts";
import { facts } from "./words.ts";

const WHOSE = { own: "its own namespace", host: "the host's namespace", container: "another container's namespace" };

export const isNft = ({ command }: ByHand): boolean => command.startsWith("nft ");

/** `byHand`: of the network, from which those about the firewall are taken. */
export function firewallPicture(
  { table, ports, rules }: NonNullable<NetworkSection["firewall"]>,
  byHand: readonly ByHand[],
  all: string,
): Picture {
  return {
    title: "PORTS AND RULES",
    note: `what the kernel does with its packets: nftables, table ${table}`,
    parts: [
      {
        kind: "table",
        head: ["HOST PORT", "LEADS TO"],
        rows: ports.map((port) => [
          `${port.hostAddress}:${port.hostPort}/${port.protocol}`,
          `${port.address}:${port.port}`,
        ]),
      },
      {
        kind: "table",
        head: ["CHAIN", "HANDLE", "RULE"],
        rows: rules.map(({ chain, handle, text }) => [chain, String(handle), text]),
      },
    ],
    byHand: byHand.filter(isNft),
    all,
  };
}

const networkWords = ({ network: name, shape }: NetworkSection["links"][number]): string =>
  name === undefined ? "" : ` (network ${name}${shape === undefined ? "" : `, made worse: ${shape}`})`;

export function network(section: NetworkSection, all: string): Picture[] {
  const { dns } = section;
  const cables = section.links.map((link): Cell[] => [
    link.name,
    { text: link.up ? "up" : "down", tone: link.up ? "good" : "warn" },
    link.addresses.join(" ") || "-",
    link.mac,
    link.host
      ? `${link.host.name} → ${link.host.bridge} ${link.host.bridgeAddresses.join(" ")}${networkWords(link)}`
      : link.parent
        ? `${link.kind} on ${link.parent.name}${networkWords(link)}`
        : link.kind || "-",
  ]);
  const links: Picture = {
    title: "NETWORK",
    note: `mode ${section.mode}: ${section.of ? `the namespace of ${section.of}` : WHOSE[section.namespace]}`,
    parts: [
      { kind: "table", head: ["LINK", "", "ADDRESS", "MAC", "CABLE TO THE HOST → BRIDGE"], rows: cables },
      {
        kind: "table",
        head: ["ROUTE", "VIA", "BY LINK"],
        rows: section.routes.map(({ to, via, link }) => [to, via || "directly", link]),
      },
      facts([
        ["name servers", dns.nameservers.join(" ") || `as ${dns.file || "the image"} says`],
        ["search", dns.search.length > 0 ? dns.search.join(" ") : undefined],
        ["/etc/hosts", dns.hosts.map((line) => line.replace(/\s+/g, " ")).join("; ") || "none"],
      ]),
    ],
    byHand: section.byHand.filter((row) => !isNft(row)),
    all,
  };
  return section.firewall ? [links, firewallPicture(section.firewall, section.byHand, all)] : [links];
}
