import { GantryError } from "../../base/errors.ts";
import { contains, formatAddress, formatRange, overlap, parseAddress, parseCidr, type Range } from "./ipv4.ts";
import type { BridgeConfig, NetworkRecord } from "./record.ts";

/** What `network create` asks for. */
export interface NetworkWish {
  name: string;
  /** "" or "bridge" */
  driver: string;
  internal: boolean;
  attachable: boolean;
  ipv6: boolean;
  pools: { subnet?: string; ipRange?: string; gateway?: string; auxiliary?: Record<string, string> }[];
  options: Record<string, string>;
  labels: Record<string, string>;
}

export interface NetworkFacts {
  id: string;
  created: string;
  networks: NetworkRecord[];
  /** Names of the host's links. */
  links: string[];
  mtu: number;
  /** A subnet from the engine's pools that meets nothing of the host's. */
  freeSubnet: () => string;
}

const LINK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
const NETWORK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.: @-]{0,254}$/;
const OPTION = {
  link: "com.docker.network.bridge.name",
  icc: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  mtu: "com.docker.network.driver.mtu",
} as const;

/** Checks a wish and completes it to a record. Errors: invalid BAD_NETWORK, forbidden POOL_OVERLAP. */
export function planNetwork(wish: NetworkWish, facts: NetworkFacts): NetworkRecord {
  if (!NETWORK_NAME.test(wish.name)) {
    throw bad(`invalid network name: ${JSON.stringify(wish.name)}: only [a-zA-Z0-9][a-zA-Z0-9_.: @-]* is allowed`);
  }
  if (wish.driver === "host" || wish.driver === "null") {
    const words = `only one instance of "${wish.driver}" network is allowed`;
    throw new GantryError("forbidden", "ONE_OF_ITS_KIND", words);
  }
  if (wish.driver !== "" && wish.driver !== "bridge") {
    throw new GantryError(
      "notFound",
      "NO_SUCH_DRIVER",
      `could not find plugin ${wish.driver} in v1 plugin registry: plugin not found`,
      { hint: "network driver: bridge" },
    );
  }
  if (wish.ipv6 || wish.pools.some((pool) => pool.subnet?.includes(":"))) {
    throw new GantryError("notImplemented", "NO_IPV6", "IPv6 networks are not supported", { hint: "leave --ipv6 out" });
  }
  return {
    id: facts.id,
    name: wish.name,
    driver: "bridge",
    created: facts.created,
    internal: wish.internal,
    attachable: wish.attachable,
    options: wish.options,
    labels: wish.labels,
    builtin: false,
    bridge: planBridge(wish, facts),
  };
}

function planBridge(wish: NetworkWish, facts: NetworkFacts): BridgeConfig {
  if (wish.pools.length > 1) throw bad("bridge networks support only one IPv4 subnet");
  const pool = wish.pools[0] ?? {};
  const range = pool.subnet === undefined ? undefined : subnetOf(pool.subnet);
  if (range === undefined && (pool.gateway || pool.ipRange)) throw bad("a gateway or an IP range needs a subnet");
  for (const other of facts.networks) {
    const theirs = other.bridge && parseCidr(other.bridge.subnet)?.range;
    if (range && theirs && overlap(range, theirs)) {
      throw new GantryError(
        "forbidden",
        "POOL_OVERLAP",
        "invalid pool request: Pool overlaps with other one on this address space",
        { hint: `network ${other.name} has ${other.bridge?.subnet}` },
      );
    }
  }
  const subnet = range ?? subnetOf(facts.freeSubnet());
  const gateway =
    pool.gateway === undefined || pool.gateway === "" ? subnet.base + 1 : inside(subnet, pool.gateway, "gateway");
  for (const [name, address] of Object.entries(pool.auxiliary ?? {}))
    inside(subnet, address, `auxiliary address ${name}`);
  const ipRange = pool.ipRange ? parseCidr(pool.ipRange)?.range : undefined;
  if (pool.ipRange && (ipRange === undefined || ipRange.prefix < subnet.prefix || !contains(subnet, ipRange.base))) {
    throw bad(`invalid IP range ${pool.ipRange}: it must lie within ${formatRange(subnet)}`);
  }
  return {
    link: linkName(wish.options[OPTION.link], facts),
    subnet: formatRange(subnet),
    gateway: formatAddress(gateway),
    ...(ipRange ? { ipRange: formatRange(ipRange) } : {}),
    reserved: pool.auxiliary ?? {},
    subnetGiven: range !== undefined,
    mtu: mtuOf(wish.options[OPTION.mtu]) ?? facts.mtu,
    icc: flag(wish.options, OPTION.icc, true),
    masquerade: flag(wish.options, OPTION.masquerade, true),
    hostBinding: hostBindingOf(wish.options[OPTION.hostBinding]),
  };
}

function subnetOf(text: string): Range {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw bad(`invalid CIDR address: ${text}`);
  if (parsed.address !== parsed.range.base) {
    throw bad(`invalid subnet ${text}: it should be ${formatRange(parsed.range)}`);
  }
  if (parsed.range.prefix > 30 || parsed.range.prefix < 8) throw bad(`invalid subnet ${text}: from /8 to /30`);
  return parsed.range;
}

function inside(subnet: Range, text: string, what: string): number {
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw bad(`invalid ${what} ${text}: it must be within ${formatRange(subnet)}`);
  }
  return address;
}

function linkName(asked: string | undefined, facts: NetworkFacts): string {
  if (asked === undefined || asked === "") return `br-${facts.id.slice(0, 12)}`;
  if (!LINK_NAME.test(asked)) throw bad(`invalid bridge name ${JSON.stringify(asked)}: at most 15 of [a-zA-Z0-9_.-]`);
  if (facts.networks.some((network) => network.bridge?.link === asked)) {
    throw new GantryError("conflict", "BRIDGE_TAKEN", `bridge name ${asked} is used by another network`);
  }
  // taken over, its addresses would be replaced and it would go with the network
  if (facts.links.includes(asked)) {
    throw new GantryError("conflict", "BRIDGE_TAKEN", `a link ${asked} exists on the host already`);
  }
  return asked;
}

function mtuOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  const mtu = Number(text);
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) throw bad(`invalid MTU: ${text}`);
  return mtu;
}

function flag(options: Record<string, string>, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === "") return fallback;
  if (["1", "t", "true", "TRUE", "True", "T"].includes(text)) return true;
  if (["0", "f", "false", "FALSE", "False", "F"].includes(text)) return false;
  throw bad(`invalid value for ${name}: ${JSON.stringify(text)}`);
}

function hostBindingOf(text: string | undefined): string {
  if (text === undefined || text === "") return "0.0.0.0";
  if (parseAddress(text) === undefined) throw bad(`invalid host binding address: ${text}`);
  return text;
}

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_NETWORK", message);
