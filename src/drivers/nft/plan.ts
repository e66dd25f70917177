import type { AddressFamily, AllowedFlow, FirewallNetwork, PublishedPort } from "../../ports/firewall.ts";
import {
  checkedAddress,
  checkedLink,
  checkedPort,
  checkedProtocol,
  checkedSubnet,
  familyOf,
  isV6,
  oneOf,
  quoted,
} from "./checked.ts";
import { PORT_HOLDERS, portElements } from "./elements.ts";
import type { Chain, TablePlan } from "./table.ts";

/** Whom published ports let in: everybody, or whom the host's own rules for incoming packets let in. */
export type PublishedPortsMode = "open" | "host-rules";

/** `gantry0` → `gantry_gantry0`: several engines, each with its own bridge, have tables of their own. */
export const tableName = (bridge: string): string =>
  `gantry_${checkedLink(bridge).replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(16)}`)}`;

/** The engine's own table: translation, and what may be forwarded. */
export const planMain = (
  name: string,
  networks: FirewallNetwork[],
  ports: PublishedPort[],
  mode: PublishedPortsMode,
): TablePlan => ({
  family: "inet",
  name,
  holders: PORT_HOLDERS,
  chains: [loopback(networks), ...nat(networks, mode), forward(networks)],
  elements: portElements(ports),
});

/** The bridges route 127.0.0.0/8 so that the host's own loopback reaches containers: never the other way round. */
const loopback = (networks: FirewallNetwork[]): Chain => ({
  name: "loopback",
  hook: "type filter hook prerouting priority raw; policy accept;",
  rules:
    networks.length === 0
      ? []
      : [
          `iifname ${oneOf(networks.map((n) => n.bridge))} ip daddr 127.0.0.0/8 drop`,
          `iifname ${oneOf(networks.map((n) => n.bridge))} ip saddr 127.0.0.0/8 drop`,
        ],
});

const isRouted = (network: FirewallNetwork, subnet: string): boolean =>
  network.routed?.includes(isV6(subnet) ? "ipv6" : "ipv4") ?? false;

function nat(networks: FirewallNetwork[], mode: PublishedPortsMode): Chain[] {
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
  const bridges = networks.map(({ bridge }) => bridge);
  // the host's loopback address means nothing inside a container
  if (bridges.length > 0) outgoing.push(`ip saddr 127.0.0.0/8 oifname ${oneOf(bridges)} masquerade`);
  return [
    {
      name: "to_containers",
      rules: [
        "dnat ip to ip daddr . meta l4proto . th dport map @published",
        "dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6",
        "meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @published_any",
        "meta nfproto ipv6 fib daddr type local dnat ip6 to meta l4proto . th dport map @published6_any",
      ],
    },
    {
      name: "prerouting",
      hook: "type nat hook prerouting priority dstnat; policy accept;",
      rules: [
        // loopback addresses from outside are forged
        'iifname != "lo" ip daddr 127.0.0.0/8 return',
        ...(mode === "open" ? ["jump to_containers"] : []),
        // what comes from elsewhere goes to the host's own rules first: see planSecondWay
        ...(mode === "host-rules" && bridges.length > 0 ? [`iifname ${oneOf(bridges)} jump to_containers`] : []),
      ],
    },
    {
      name: "output",
      hook: "type nat hook output priority -100; policy accept;",
      // the kernel takes no answer to ::1 from a bridge: the engine itself passes on what comes there
      rules: ["ip6 daddr ::1 return", "jump to_containers"],
    },
    { name: "postrouting", hook: "type nat hook postrouting priority srcnat; policy accept;", rules: outgoing },
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

function forward(networks: FirewallNetwork[]): Chain {
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
  return { name: "forward", hook: "type filter hook forward priority filter; policy accept;", rules };
}

/** A container with an address that others can reach answers a ping, as a host does. */
function pings(networks: FirewallNetwork[], family: AddressFamily, ping: string): string[] {
  const routed = networks.filter(({ routed: families }) => families?.includes(family)).map(({ bridge }) => bridge);
  return routed.length === 0 ? [] : [`oifname ${oneOf(routed)} ${ping} accept`];
}
