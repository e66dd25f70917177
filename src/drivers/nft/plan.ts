import type { AddressFamily, AllowedFlow, FirewallNetwork, PublishedPort } from "../../ports/firewall.ts";
import { checkedAddress, checkedLink, checkedPort, checkedProtocol, checkedSubnet, familyOf, isV6 } from "./checked.ts";
import { PORT_DEFINITIONS, PORT_HOLDERS, planElements } from "./elements.ts";

/** The engine's rules as nft text. Pure. */

/** `gantry0` → `gantry_gantry0`: several engines, each with its own bridge, have tables of their own. */
export const tableName = (bridge: string): string =>
  `gantry_${checkedLink(bridge).replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(16)}`)}`;

const quoted = (bridge: string): string => `"${checkedLink(bridge)}"`;
const oneOf = (bridges: string[]): string => `{ ${bridges.map(quoted).join(", ")} }`;

/** Everything: definitions, rules and elements, as one transaction that replaces what was there. */
export function planTable(table: string, networks: FirewallNetwork[], ports: PublishedPort[]): string {
  return [
    `add table inet ${table}`,
    `flush table inet ${table}`,
    `table inet ${table} {`,
    ...indent(PORT_DEFINITIONS),
    ...indent(loopback(networks)),
    ...indent(nat(networks)),
    ...indent(forward(networks)),
    "}",
    ...PORT_HOLDERS.map((holder) => `flush ${holder.replace(" ", ` inet ${table} `)}`),
    ...planElements("add", table, ports),
    // of versions before IPv6
    ...planAbsence("ip", table),
    "",
  ].join("\n");
}

/** Takes a table away, whether it is there or not. */
export const planAbsence = (family: string, table: string): string[] => [
  `add table ${family} ${table}`,
  `delete table ${family} ${table}`,
];

const indent = (lines: string[]): string[] => lines.map((line) => (line === "" ? "" : `  ${line}`));

const chain = (name: string, lines: string[]): string[] => [`chain ${name} {`, ...indent(lines), "}"];

/** The bridges route 127.0.0.0/8 so that the host's own loopback reaches containers: never the other way round. */
const loopback = (networks: FirewallNetwork[]): string[] =>
  chain("loopback", [
    "type filter hook prerouting priority raw; policy accept;",
    ...(networks.length === 0
      ? []
      : [
          `iifname ${oneOf(networks.map((n) => n.bridge))} ip daddr 127.0.0.0/8 drop`,
          `iifname ${oneOf(networks.map((n) => n.bridge))} ip saddr 127.0.0.0/8 drop`,
        ]),
  ]);

const isRouted = (network: FirewallNetwork, subnet: string): boolean =>
  network.routed?.includes(isV6(subnet) ? "ipv6" : "ipv4") ?? false;

function nat(networks: FirewallNetwork[]): string[] {
  const outgoing: string[] = [];
  for (const network of networks) {
    const bridge = quoted(network.bridge);
    for (const subnet of network.subnets) {
      const from = `${familyOf(subnet)} saddr ${checkedSubnet(subnet)}`;
      // what leaves the host gets the host's address
      if (network.masquerade && !network.internal && !isRouted(network, subnet)) {
        outgoing.push(`${from} oifname != ${bridge} masquerade`);
      }
      // a container that reaches its own network through a published port must be answered through the host
      outgoing.push(`${from} oifname ${bridge} ct status dnat masquerade`);
    }
  }
  // the host's loopback address means nothing inside a container
  if (networks.length > 0) {
    const bridges = oneOf(networks.map((n) => n.bridge));
    outgoing.push(`ip saddr 127.0.0.0/8 oifname ${bridges} masquerade`, `ip6 saddr ::1 oifname ${bridges} masquerade`);
  }
  return [
    ...chain("to_containers", [
      "dnat ip to ip daddr . meta l4proto . th dport map @published",
      "dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6",
      "meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @published_any",
      "meta nfproto ipv6 fib daddr type local dnat ip6 to meta l4proto . th dport map @published6_any",
    ]),
    ...chain("prerouting", [
      "type nat hook prerouting priority dstnat; policy accept;",
      // loopback addresses from outside are forged
      'iifname != "lo" ip daddr 127.0.0.0/8 return',
      "jump to_containers",
    ]),
    ...chain("output", ["type nat hook output priority -100; policy accept;", "jump to_containers"]),
    ...chain("postrouting", ["type nat hook postrouting priority srcnat; policy accept;", ...outgoing]),
  ];
}

const between = ({ from, to, protocol, port }: AllowedFlow): string => {
  const family = familyOf(from);
  return `${family} saddr ${checkedAddress(from)} ${family} daddr ${checkedAddress(to)} ${checkedProtocol(protocol)} dport ${checkedPort(port)}`;
};

/** Neighbours find each other by packets that a filter within a bridge sees too; ARP it doesn't see. */
const FIND_NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept";

function within(network: FirewallNetwork): string[] {
  const here = `iifname ${quoted(network.bridge)} oifname ${quoted(network.bridge)}`;
  if (network.icc) return [`${here} accept`];
  return [
    `${here} ct state established,related accept`,
    `${here} ct status dnat accept`,
    ...(network.subnets.some(isV6) ? [`${here} ${FIND_NEIGHBOURS}`] : []),
    ...(network.allowed ?? []).map((flow) => `${here} ${between(flow)} accept`),
    `${here} drop`,
  ];
}

function forward(networks: FirewallNetwork[]): string[] {
  const bridges = networks.map((network) => network.bridge);
  const internal = networks.filter((network) => network.internal).map((network) => network.bridge);
  const rules = networks.flatMap(within);
  // an internal network has no way out and none in
  if (internal.length > 0) rules.push(`iifname ${oneOf(internal)} drop`, `oifname ${oneOf(internal)} drop`);
  // into a container: answers and published ports, nothing else, also not from a sister network
  if (bridges.length > 0) {
    const into = `oifname ${oneOf(bridges)}`;
    rules.push(
      `${into} ct state established,related accept`,
      `${into} ct status dnat accept`,
      `${into} ip daddr . meta l4proto . th dport @opened accept`,
      `${into} ip6 daddr . meta l4proto . th dport @opened6 accept`,
      ...pings(networks, "ipv4", "icmp type echo-request"),
      ...pings(networks, "ipv6", "icmpv6 type echo-request"),
      `${into} drop`,
    );
  }
  return chain("forward", ["type filter hook forward priority filter; policy accept;", ...rules]);
}

/** A container with an address that others can reach answers a ping, as a host does. */
function pings(networks: FirewallNetwork[], family: AddressFamily, ping: string): string[] {
  const routed = networks.filter(({ routed: families }) => families?.includes(family)).map(({ bridge }) => bridge);
  return routed.length === 0 ? [] : [`oifname ${oneOf(routed)} ${ping} accept`];
}
