import { GantryError } from "../../base/errors.ts";
import { canonicalAddress, familyOf } from "../../base/ip-address.ts";
import { isLinkName } from "../../base/link-name.ts";
import type { BridgeConfig, NetworkRecord } from "./record.ts";
import { isSublinkDriver, planSublink } from "./sublink-plan.ts";
import { planSubnets, type SubnetFacts, type SubnetWish } from "./subnet-plan.ts";

/** What `network create` asks for. */
export interface NetworkWish {
  name: string;
  /** "" or bridge, macvlan, ipvlan */
  driver: string;
  internal: boolean;
  attachable: boolean;
  /** Undefined: as the options say, else with IPv4 and without IPv6. */
  ipv4?: boolean;
  ipv6?: boolean;
  pools: SubnetWish[];
  options: Record<string, string>;
  labels: Record<string, string>;
}

export interface NetworkFacts extends SubnetFacts {
  id: string;
  created: string;
  /** Names of the host's links. */
  links: string[];
  mtu: number;
  /** The kernel has it. */
  hasIpv6: boolean;
}

const NETWORK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.: @-]{0,254}$/;
const OPTION = {
  ipv4: "com.docker.network.enable_ipv4",
  ipv6: "com.docker.network.enable_ipv6",
  link: "com.docker.network.bridge.name",
  icc: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  mtu: "com.docker.network.driver.mtu",
  gatewayMode: {
    ipv4: "com.docker.network.bridge.gateway_mode_ipv4",
    ipv6: "com.docker.network.bridge.gateway_mode_ipv6",
  },
  /** Gantry's own. */
  guard: "gantry.bridge.address_guard",
} as const;

/** Checks a wish and completes it to a record. Errors: invalid BAD_NETWORK, forbidden POOL_OVERLAP, conflict PARENT_IN_USE. */
export function planNetwork(wish: NetworkWish, facts: NetworkFacts): NetworkRecord {
  if (!NETWORK_NAME.test(wish.name)) {
    throw bad(`invalid network name: ${JSON.stringify(wish.name)}: only [a-zA-Z0-9][a-zA-Z0-9_.: @-]* is allowed`);
  }
  if (wish.driver === "host" || wish.driver === "null") {
    const words = `only one instance of "${wish.driver}" network is allowed`;
    throw new GantryError("forbidden", "ONE_OF_ITS_KIND", words);
  }
  const driver = wish.driver || "bridge";
  if (driver !== "bridge" && !isSublinkDriver(driver)) {
    throw new GantryError(
      "notFound",
      "NO_SUCH_DRIVER",
      `could not find plugin ${wish.driver} in v1 plugin registry: plugin not found`,
      { hint: "network drivers: bridge, macvlan, ipvlan" },
    );
  }
  const ipv4 = wish.ipv4 ?? flag(wish.options, OPTION.ipv4, true);
  const ipv6 = wish.ipv6 ?? flag(wish.options, OPTION.ipv6, false);
  if (ipv6 && !facts.hasIpv6) throw noIpv6();
  if (!ipv4 && !ipv6) throw bad("IPv4 or IPv6 must be enabled");
  const subnets = planSubnets({ ipv4, ipv6, pools: wish.pools }, facts);
  const families = new Set(subnets.map(({ subnet }) => familyOf(subnet)));
  if (driver === "bridge" && subnets.length > families.size)
    throw new GantryError("forbidden", "BAD_NETWORK", "bridge driver doesn't support multiple subnets");
  return {
    id: facts.id,
    name: wish.name,
    driver,
    created: facts.created,
    internal: wish.internal,
    attachable: wish.attachable,
    options: wish.options,
    labels: wish.labels,
    builtin: false,
    ipv4,
    ipv6,
    subnets,
    ...(driver === "bridge"
      ? { bridge: planBridge(wish, facts) }
      : { sublink: planSublink(driver, wish.options, mtuOf(wish.options[OPTION.mtu]), facts) }),
  };
}

const planBridge = (wish: NetworkWish, facts: NetworkFacts): BridgeConfig => ({
  link: linkName(wish.options[OPTION.link], facts),
  mtu: mtuOf(wish.options[OPTION.mtu]) ?? facts.mtu,
  icc: flag(wish.options, OPTION.icc, true),
  masquerade: flag(wish.options, OPTION.masquerade, true),
  routed: (["ipv4", "ipv6"] as const).filter((family) => isRouted(wish.options[OPTION.gatewayMode[family]])),
  ...(!flag(wish.options, OPTION.guard, true) && { guard: false }),
  hostBinding: hostBindingOf(wish.options[OPTION.hostBinding]),
});

function linkName(asked: string | undefined, facts: NetworkFacts): string {
  if (asked === undefined || asked === "") return `br-${facts.id.slice(0, 12)}`;
  if (!isLinkName(asked)) throw bad(`invalid bridge name ${JSON.stringify(asked)}: at most 15 of [a-zA-Z0-9_.-]`);
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

function isRouted(mode: string | undefined): boolean {
  if (mode === "routed") return true;
  if (mode === undefined || mode === "" || mode === "nat") return false;
  if (mode !== "nat-unprotected" && mode !== "isolated") throw bad(`unknown gateway mode ${mode}`);
  throw new GantryError("notImplemented", "NO_SUCH_GATEWAY_MODE", `gateway mode ${mode} is not supported`, {
    hint: mode === "isolated" ? "an --internal network comes near it" : "gateway modes: nat, routed",
  });
}

function hostBindingOf(text: string | undefined): string {
  if (text === undefined || text === "") return "0.0.0.0";
  const address = canonicalAddress(text);
  if (address === undefined) throw bad(`invalid host binding address: ${text}`);
  return address;
}

export const noIpv6 = (): GantryError =>
  new GantryError("unavailable", "NO_IPV6", "the kernel of this host has no IPv6", {
    hint: "leave --ipv6 out, or start the host without ipv6.disable=1",
  });

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_NETWORK", message);
