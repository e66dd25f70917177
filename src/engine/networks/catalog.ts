import { GantryError, messageOf } from "../../base/errors.ts";
import { familyOf, formatRange, type IpFamily, parseCidr } from "../../base/ip-address.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Links } from "../../ports/links.ts";
import type { Logger } from "../../ports/logger.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { Sublinks } from "../../ports/sublinks.ts";
import { type DefaultBridgeOptions, planDefaultSubnets } from "./default-bridge.ts";
import { macOf, subnetsOf } from "./endpoint-plan.ts";
import { type AddressPool, DEFAULT_POOLS, freeSubnet, withIpv6 } from "./ipam.ts";
import { type NetworkWish, noIpv6, planNetwork } from "./network-plan.ts";
import { type BridgeConfig, type NetworkRecord, parentLabel } from "./record.ts";
import { upgradeNetwork } from "./record-upgrade.ts";
import { rangeOf } from "./subnet-plan.ts";

const BUCKET = "networks";
/** Networks that the engine makes itself, by name. */
const BUILTIN = { bridge: "bridge", host: "host", none: "null" } as const;
const DEFAULT_MTU = 1500;

export interface NetworkOptions extends DefaultBridgeOptions {
  /** Name of the default bridge's link. */
  bridge: string;
  addressPools?: AddressPool[];
  /** False: containers on the default bridge reach one another only as `allow` says. */
  icc?: boolean;
  /** What `host-gateway` stands for in place of the default bridge's address. */
  hostGateway?: string;
  /** The engine's own id: its IPv6 networks are derived from it where no pool has IPv6. */
  engineId: string;
  /** `<execRoot>/netns` holds the namespaces. */
  execRoot: string;
}

export interface CatalogDeps {
  state: StateStore;
  links: Links;
  sublinks: Sublinks;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  options: NetworkOptions;
}

/** The networks that there are: records, and the links on the host that they need. */
export class NetworkCatalog {
  private readonly deps: CatalogDeps;
  private readonly records = new Map<string, NetworkRecord>();

  constructor(deps: CatalogDeps) {
    this.deps = deps;
  }

  /** Reads the records, makes the built-in ones where missing, brings all bridges up. A parent that is gone is told to the log. */
  load(): void {
    const hasIpv6 = this.deps.links.hasIpv6();
    if (this.deps.options.ipv6 && !hasIpv6) throw noIpv6();
    for (const [id, stored] of this.deps.state.list<NetworkRecord>(BUCKET)) {
      const record = upgradeNetwork(stored);
      this.records.set(id, hasIpv6 ? record : withoutIpv6(record));
    }
    for (const [name, driver] of Object.entries(BUILTIN)) this.ensureBuiltin(name, driver);
    for (const record of this.records.values()) {
      try {
        this.ensureLinks(record);
      } catch (error) {
        if (record.bridge) throw error;
        this.deps.logger.warn("a network can't be used now", { network: record.name, error: messageOf(error) });
      }
    }
  }

  list(): NetworkRecord[] {
    return [...this.records.values()];
  }

  byId(id: string): NetworkRecord | undefined {
    return this.records.get(id);
  }

  /** By full id, name, or unique id prefix. Errors: notFound NO_SUCH_NETWORK, invalid AMBIGUOUS_NETWORK. */
  resolve(reference: string): NetworkRecord {
    const exact = this.records.get(reference) ?? this.byName(reference);
    if (exact) return exact;
    const matches = reference === "" ? [] : this.list().filter((record) => record.id.startsWith(reference));
    if (matches.length > 1) {
      throw new GantryError(
        "invalid",
        "AMBIGUOUS_NETWORK",
        `network ${reference} is ambiguous (${matches.length} matches found based on ID prefix)`,
      );
    }
    const [match] = matches;
    if (match === undefined) throw new GantryError("notFound", "NO_SUCH_NETWORK", `network ${reference} not found`);
    return match;
  }

  /** Makes a network; durable, then real. */
  create(wish: NetworkWish): NetworkRecord {
    if (wish.name in BUILTIN) {
      throw new GantryError(
        "forbidden",
        "PREDEFINED_NETWORK",
        `operation is not permitted on predefined ${wish.name} network`,
      );
    }
    if (this.byName(wish.name)) {
      throw new GantryError("conflict", "NETWORK_EXISTS", `network with name ${wish.name} already exists`);
    }
    const id = this.deps.ids.id();
    const record = planNetwork(wish, {
      id,
      created: this.deps.clock.stamp(),
      networks: this.list(),
      links: this.deps.links.list().map((link) => link.name),
      mtu: this.uplinkMtu(),
      hasIpv6: this.deps.links.hasIpv6(),
      freeSubnet: (family) => this.freeSubnet(family),
    });
    this.store(record);
    try {
      this.ensureLinks(record);
    } catch (error) {
      this.forget(record);
      throw error;
    }
    return record;
  }

  /** Takes the record and the links made for it away. The caller knows that nothing is on it. */
  remove(record: NetworkRecord): void {
    if (record.builtin) {
      throw new GantryError(
        "forbidden",
        "PREDEFINED_NETWORK",
        `${record.name} is a pre-defined network and cannot be removed`,
      );
    }
    if (record.bridge) this.deps.links.removeLink(record.bridge.link);
    const { sublink } = record;
    const shared = this.list().some((other) => other !== record && other.sublink?.parent === sublink?.parent);
    if (sublink?.make && !shared) this.removeParent(sublink.parent);
    this.forget(record);
  }

  /** At the engine's end: bridges and parents that it made. */
  removeLinks(): void {
    for (const { bridge, sublink } of this.list()) {
      if (bridge) this.deps.links.removeOwnBridge(bridge.link);
      if (sublink?.make) this.removeParent(sublink.parent);
    }
  }

  private removeParent(name: string): void {
    this.deps.sublinks.removeParent(name, parentLabel(this.deps.options.bridge));
  }

  /** Makes or repairs what a network needs on the host: a bridge, or the parent of its containers' links. */
  ensureLinks({ bridge, sublink, subnets, ipv6, internal }: NetworkRecord): void {
    if (sublink) {
      const { parent: name, make, type } = sublink;
      const label = parentLabel(this.deps.options.bridge);
      return this.deps.sublinks.ensureParent({ name, kind: type.kind, ...(make && { make }), label });
    }
    const [first] = subnets;
    if (bridge === undefined || first === undefined) return;
    this.deps.links.ensureBridge({
      name: bridge.link,
      mac: macOf(first.gateway),
      addresses: subnets.map(({ gateway, subnet }) => `${gateway}/${rangeOf(subnet).prefix}`),
      mtu: bridge.mtu,
    });
    if (ipv6 && !internal) this.deps.links.enableForwarding(6);
  }

  private ensureBuiltin(name: string, driver: NetworkRecord["driver"]): void {
    const found = this.byName(name);
    const record = found ?? builtin(this.deps.ids.id(), name, driver, this.deps.clock.stamp());
    if (driver !== "bridge") {
      if (!found) this.store(record);
      return;
    }
    const bridge = this.defaultBridge(found?.bridge);
    const subnets = planDefaultSubnets(this.deps.options, record.subnets, (family) => this.freeSubnet(family));
    const ipv6 = subnets.some(({ subnet }) => familyOf(subnet) === 6);
    if (found && JSON.stringify([found.bridge, found.subnets]) === JSON.stringify([bridge, subnets])) return;
    this.store({ ...record, ipv6, bridge, subnets, options: defaultBridgeOptions(bridge) });
  }

  /** As the engine's options say. */
  private defaultBridge(before: BridgeConfig | undefined): BridgeConfig {
    return {
      link: this.deps.options.bridge,
      mtu: before?.mtu ?? this.uplinkMtu(),
      icc: this.deps.options.icc ?? true,
      masquerade: true,
      routed: [],
      hostBinding: "0.0.0.0",
    };
  }

  /** A smaller MTU on the way out would otherwise make large packets vanish. */
  private uplinkMtu(): number {
    return Math.min(this.deps.links.uplinkMtu() ?? DEFAULT_MTU, DEFAULT_MTU);
  }

  private freeSubnet(family: IpFamily): string {
    const taken = [
      ...this.deps.links.takenRanges(),
      ...this.list().flatMap(({ subnets }) => subnets.map(({ subnet }) => subnet)),
    ];
    const ranges = taken.flatMap((text) => parseCidr(text)?.range ?? []);
    const { addressPools = DEFAULT_POOLS, engineId } = this.deps.options;
    return formatRange(freeSubnet(family, withIpv6(addressPools, engineId), ranges));
  }

  private byName(name: string): NetworkRecord | undefined {
    for (const record of this.records.values()) if (record.name === name) return record;
    return undefined;
  }

  private store(record: NetworkRecord): void {
    this.deps.state.commit([{ bucket: BUCKET, key: record.id, value: record }]);
    this.records.set(record.id, record);
  }

  private forget(record: NetworkRecord): void {
    this.deps.state.commit([{ bucket: BUCKET, key: record.id, value: undefined }]);
    this.records.delete(record.id);
  }
}

/** A network on a kernel that lost IPv6 since it was made: IPv4 goes on. */
const withoutIpv6 = (record: NetworkRecord): NetworkRecord => ({
  ...record,
  ipv6: false,
  subnets: subnetsOf(record, 4),
});

const builtin = (id: string, name: string, driver: NetworkRecord["driver"], created: string): NetworkRecord => ({
  id,
  name,
  driver,
  created,
  internal: false,
  attachable: false,
  options: {},
  labels: {},
  builtin: true,
  ipv4: true,
  ipv6: false,
  subnets: [],
});

const defaultBridgeOptions = (bridge: BridgeConfig): Record<string, string> => ({
  "com.docker.network.bridge.default_bridge": "true",
  "com.docker.network.bridge.enable_icc": String(bridge.icc),
  "com.docker.network.bridge.enable_ip_masquerade": String(bridge.masquerade),
  "com.docker.network.bridge.host_binding_ipv4": bridge.hostBinding,
  "com.docker.network.bridge.name": bridge.link,
  "com.docker.network.driver.mtu": String(bridge.mtu ?? DEFAULT_MTU),
});
