import type { AllowedFlow, FirewallNetwork, PublishedPort } from "../../ports/firewall.ts";

/**
 * The engine's rules as nft text. Pure. Nothing that a user wrote gets in: names are checked against a narrow
 * alphabet, addresses and numbers are written anew.
 */

/** `gantry0` → `gantry_gantry0`: several engines, each with its own bridge, have tables of their own. */
export const tableName = (bridge: string): string =>
  `gantry_${checkedLink(bridge).replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(16)}`)}`;

function checkedLink(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) throw new TypeError(`not a link name: ${JSON.stringify(name)}`);
  return name;
}

function checkedAddress(address: string): string {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    throw new TypeError(`not an IPv4 address: ${JSON.stringify(address)}`);
  }
  return parts.map(Number).join(".");
}

function checkedSubnet(subnet: string): string {
  const [address = "", prefix = ""] = subnet.split("/");
  if (!/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) throw new TypeError(`not a subnet: ${JSON.stringify(subnet)}`);
  return `${checkedAddress(address)}/${Number(prefix)}`;
}

function checkedPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new TypeError(`not a port: ${port}`);
  return port;
}

const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);
function checkedProtocol(protocol: string): string {
  if (!PROTOCOLS.has(protocol)) throw new TypeError(`not a protocol: ${JSON.stringify(protocol)}`);
  return protocol;
}

const quoted = (bridge: string): string => `"${checkedLink(bridge)}"`;
const oneOf = (bridges: string[]): string => `{ ${bridges.map(quoted).join(", ")} }`;

/** Everything: definitions, rules and elements, as one transaction that replaces what was there. */
export function planTable(table: string, networks: FirewallNetwork[], ports: PublishedPort[]): string {
  return [
    `add table ip ${table}`,
    `flush table ip ${table}`,
    `table ip ${table} {`,
    ...indent(definitions()),
    ...indent(loopback(networks)),
    ...indent(nat(networks)),
    ...indent(forward(networks)),
    "}",
    `flush map ip ${table} published`,
    `flush map ip ${table} published_any`,
    ...planElements("add", table, ports),
    "",
  ].join("\n");
}

/** One command for each of the two maps that has something to change. */
export function planElements(verb: "add" | "delete", table: string, ports: PublishedPort[]): string[] {
  const fixed: string[] = [];
  const any: string[] = [];
  for (const port of ports) {
    const key = `${checkedProtocol(port.protocol)} . ${checkedPort(port.hostPort)}`;
    const target = `${checkedAddress(port.address)} . ${checkedPort(port.port)}`;
    if (port.hostAddress === "0.0.0.0") any.push(`${key} : ${target}`);
    else fixed.push(`${checkedAddress(port.hostAddress)} . ${key} : ${target}`);
  }
  const commands: string[] = [];
  if (fixed.length > 0) commands.push(`${verb} element ip ${table} published { ${fixed.join(", ")} }`);
  if (any.length > 0) commands.push(`${verb} element ip ${table} published_any { ${any.join(", ")} }`);
  return commands;
}

const indent = (lines: string[]): string[] => lines.map((line) => (line === "" ? "" : `  ${line}`));

const chain = (name: string, lines: string[]): string[] => [`chain ${name} {`, ...indent(lines), "}"];

/** A published port is one element: host address, protocol, host port → container address, port. */
const definitions = (): string[] => [
  "map published { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
  "map published_any { type inet_proto . inet_service : ipv4_addr . inet_service; }",
];

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

function nat(networks: FirewallNetwork[]): string[] {
  const outgoing: string[] = [];
  for (const network of networks) {
    const from = `ip saddr ${checkedSubnet(network.subnet)}`;
    const bridge = quoted(network.bridge);
    // what leaves the host gets the host's address
    if (network.masquerade && !network.internal) outgoing.push(`${from} oifname != ${bridge} masquerade`);
    // a container that reaches its own network through a published port must be answered through the host
    outgoing.push(`${from} oifname ${bridge} ct status dnat masquerade`);
  }
  // the host's loopback address means nothing inside a container
  if (networks.length > 0) {
    outgoing.push(`ip saddr 127.0.0.0/8 oifname ${oneOf(networks.map((n) => n.bridge))} masquerade`);
  }
  return [
    ...chain("to_containers", [
      "dnat ip to ip daddr . meta l4proto . th dport map @published",
      "fib daddr type local dnat ip to meta l4proto . th dport map @published_any",
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

const between = ({ from, to, protocol, port }: AllowedFlow): string =>
  `ip saddr ${checkedAddress(from)} ip daddr ${checkedAddress(to)} ${checkedProtocol(protocol)} dport ${checkedPort(port)}`;

function forward(networks: FirewallNetwork[]): string[] {
  const bridges = networks.map((network) => network.bridge);
  const internal = networks.filter((network) => network.internal).map((network) => network.bridge);
  const rules: string[] = [];
  for (const network of networks) {
    const within = `iifname ${quoted(network.bridge)} oifname ${quoted(network.bridge)}`;
    if (network.icc) rules.push(`${within} accept`);
    else {
      rules.push(`${within} ct state established,related accept`, `${within} ct status dnat accept`);
      for (const flow of network.allowed ?? []) rules.push(`${within} ${between(flow)} accept`);
      rules.push(`${within} drop`);
    }
  }
  // an internal network has no way out and none in
  if (internal.length > 0) rules.push(`iifname ${oneOf(internal)} drop`, `oifname ${oneOf(internal)} drop`);
  // into a container: answers and published ports, nothing else, also not from a sister network
  if (bridges.length > 0) {
    const into = `oifname ${oneOf(bridges)}`;
    rules.push(`${into} ct state established,related accept`, `${into} ct status dnat accept`, `${into} drop`);
  }
  return chain("forward", ["type filter hook forward priority filter; policy accept;", ...rules]);
}
