import path from "node:path";
import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { PublishedPort } from "../../ports/firewall.ts";
import type { EndSpec, Links } from "../../ports/links.ts";
import type { Logger } from "../../ports/logger.ts";
import type { CommitOptions, StateStore } from "../../ports/state-store.ts";
import type { CableEnds, Traffic } from "../../ports/traffic.ts";
import type { Sublinks } from "../../ports/sublinks.ts";
import type { NetworkCatalog, NetworkOptions } from "./catalog.ts";
import type { NameService } from "./dns/name-service.ts";
import { readEndpointOptions } from "./endpoint-options.ts";
import { type WaysOut, waysOut } from "./endpoint-plan.ts";
import type { PortWish } from "./port-plan.ts";
import type { PacketRules } from "./packet-rules.ts";
import { isSamePort, type PortPlaces, type PortPublisher } from "./port-publisher.ts";
import {
  addressesOf,
  type Cable,
  cableLabel,
  type EndpointRecord,
  isCableOf,
  type NetworkRecord,
  publishedPorts,
  type SandboxRecord,
  type Unsettled,
} from "./record.ts";
import { withPrefix } from "./subnet-plan.ts";

const BUCKET = "endpoints";
/** A power cut takes namespaces and cables with it: the records need not outlive them. */
const UNSYNCED = { sync: false };

export interface SandboxesDeps {
  state: StateStore;
  links: Links;
  sublinks: Sublinks;
  rules: PacketRules;
  traffic: Traffic;
  ports: PortPublisher;
  catalog: NetworkCatalog;
  names: NameService;
  logger: Logger;
  options: NetworkOptions;
}

export interface Withdrawn {
  containerId: string;
  unsettled: Unsettled;
}

/** The containers' network state: what is stored, and its effects in the kernel. */
export class Sandboxes {
  private readonly deps: SandboxesDeps;
  private readonly records: Map<string, SandboxRecord>;

  /** `records`: shared with whoever looks at the state while it plans; changed here only. */
  constructor(deps: SandboxesDeps, records: Map<string, SandboxRecord>) {
    this.deps = deps;
    this.records = records;
  }

  /** Reads what is stored. */
  load(): void {
    for (const [id, record] of this.deps.state.list<SandboxRecord>(BUCKET)) this.records.set(id, record);
  }

  get(containerId: string): SandboxRecord | undefined {
    return this.records.get(containerId);
  }

  all(): SandboxRecord[] {
    return [...this.records.values()];
  }

  /** See Networks.restore. Gives what was withdrawn. */
  restore(live: ReadonlySet<string>): Withdrawn[] {
    const dead = [...this.records.values()].filter((sandbox) => !live.has(sandbox.containerId));
    this.deps.state.commit(
      dead.map(({ containerId }) => ({ bucket: BUCKET, key: containerId, value: undefined })),
      UNSYNCED,
    );
    for (const { containerId } of dead) this.records.delete(containerId);
    this.deps.names.changed();
    const withdrawn = this.all().flatMap(({ containerId, unsettled }) =>
      unsettled ? [{ containerId, unsettled }] : [],
    );
    for (const { containerId } of withdrawn) this.withdraw(this.mustHave(containerId));
    for (const sandbox of this.records.values()) {
      this.reopenNames(sandbox);
      for (const port of publishedPorts(sandbox)) {
        if (this.deps.ports.reclaim(port)) continue;
        this.deps.logger.warn("a published port was taken by another program while the engine was down", {
          container: sandbox.containerName,
          ...port,
        });
      }
    }
    this.syncFirewall();
    this.sweep(live);
    return withdrawn;
  }

  /** Takes the endpoint away that an engine was plugging in or out when it was killed, whatever there is of it. */
  private withdraw({ unsettled, ...sandbox }: SandboxRecord): void {
    const { containerId, containerName } = sandbox;
    const endpoints = sandbox.endpoints.filter(({ endpointId }) => endpointId !== unsettled?.endpoint.endpointId);
    let after: SandboxRecord = { ...sandbox, endpoints, ports: [] };
    try {
      if (unsettled) this.removeCable(containerId, unsettled.endpoint);
      this.setWaysOut(after);
      after = this.withPorts({ ...after, ports: sandbox.ports });
    } catch (error) {
      const words = "a container's network was left by an engine that was killed, and not put right whole";
      this.deps.logger.error(words, { container: containerName, error: messageOf(error) });
    }
    this.store(after);
  }

  /** Namespace, cables, published ports. The caller takes down what a failure leaves. */
  build(sandbox: SandboxRecord): void {
    if (!sandbox.ownNamespace) return;
    this.deps.links.createNamespace(this.netnsPath(sandbox.containerId), sandbox.owner);
    const ways = Object.values(this.waysOut(sandbox));
    for (const endpoint of sandbox.endpoints) {
      const gateways = ways.filter((way) => way.endpoint === endpoint).map(({ gateway }) => gateway);
      this.wire(sandbox, endpoint, gateways);
    }
    this.openNames(sandbox);
    this.deps.rules.publish(publishedPorts(sandbox), sandbox.endpoints);
  }

  /** 127.0.0.11 answers in the namespace if the sandbox is to have that. */
  openNames({ containerId, resolver }: SandboxRecord): void {
    if (resolver) this.deps.names.open(containerId, this.netnsPath(containerId));
  }

  /** One more link for a container that runs. */
  plug(sandbox: SandboxRecord, endpoint: EndpointRecord): void {
    this.wire(sandbox, endpoint, []);
    this.deps.rules.publish([], [endpoint]);
  }

  unplug({ containerId }: SandboxRecord, endpoint: EndpointRecord): void {
    this.deps.rules.unpublish([], [endpoint]);
    this.removeCable(containerId, endpoint);
  }

  /** As before a connect (of `plugged`) or disconnect that failed, past errors. */
  goBack(before: SandboxRecord, plugged?: EndpointRecord): void {
    const { containerId, containerName, resolver } = before;
    const steps = [
      () => resolver ?? this.deps.names.close(containerId),
      () => plugged && this.removeCable(containerId, plugged),
      () => this.store(before, { ending: true }),
      () => this.setWaysOut(before),
      () => this.syncFirewall(),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        const words = "a container's network is not as it was before a change that failed";
        this.deps.logger.error(words, { container: containerName, error: messageOf(error) });
      }
    }
  }

  private removeCable(containerId: string, { cable }: EndpointRecord): void {
    if (cable?.hostName) this.deps.links.removeLink(cable.hostName);
    else if (cable) this.deps.sublinks.unplug(this.netnsPath(containerId), cable.name);
  }

  /** On a new bridge or parent if somebody took the old one away. */
  private wire(sandbox: SandboxRecord, endpoint: EndpointRecord, gateways: string[]): void {
    const network = this.deps.catalog.byId(endpoint.networkId);
    const { cable } = endpoint;
    if (network === undefined || cable === undefined) return;
    const options = readEndpointOptions(endpoint.asked);
    const end = {
      netns: this.netnsPath(sandbox.containerId),
      name: cable.name,
      mac: cable.mac,
      addresses: addressesOf(cable).map((address) => withPrefix(network, address)),
      mtu: (network.bridge ?? network.sublink)?.mtu,
      linkLocal: options.linkLocal,
      settings: options.settings(cable.name),
      gateways,
    };
    try {
      this.plugEnd(network, sandbox, cable, end);
    } catch (error) {
      if (!isGantryError(error, "LINK_FAILED") && !isGantryError(error, "NO_PARENT_LINK")) throw error;
      this.deps.catalog.ensureLinks(network);
      this.plugEnd(network, sandbox, cable, end);
    }
  }

  private plugEnd({ bridge, sublink }: NetworkRecord, sandbox: SandboxRecord, cable: Cable, end: EndSpec): void {
    if (sublink) return this.deps.sublinks.plug({ ...end, parent: sublink.parent, type: sublink.type });
    if (bridge === undefined || cable.hostName === undefined) return;
    this.deps.links.plug({
      ...end,
      bridge: bridge.link,
      hostName: cable.hostName,
      label: cableLabel(this.deps.options.bridge, sandbox.containerId),
      hairpin: sandbox.wishes.length > 0,
    });
  }

  /**
   * With host ports held and set for the endpoints that lead out; ports that are held already are kept.
   * Errors: conflict PORT_TAKEN.
   */
  withPorts(sandbox: SandboxRecord): SandboxRecord {
    const ways = this.waysOut(sandbox);
    const places: PortPlaces = {};
    for (const family of [4, 6] as const) {
      const way = ways[family];
      const { bridge } = way?.network ?? {};
      if (way && bridge) places[family] = { address: way.address, routed: bridge.routed.includes(`ipv${family}`) };
    }
    // as where a proxy stands before the container, IPv6 addresses of the host are good for an IPv4 one too
    if (places[4]?.routed === false && !places[6] && this.deps.links.hasIpv6()) {
      places[6] = { ...places[4], relayed: true };
    }
    const out = ways[4] ?? ways[6];
    if (out === undefined || Object.keys(places).length === 0) return { ...sandbox, ports: [] };
    const owner = { containerName: sandbox.containerName, endpointId: out.endpoint.endpointId };
    return { ...sandbox, ports: this.deps.ports.claim(sandbox.wishes, places, owner, sandbox.ports) };
  }

  /** With further host ports held, for as long as an endpoint leads out. Errors: as withPorts. */
  withMorePorts(sandbox: SandboxRecord, wishes: PortWish[]): SandboxRecord {
    const more = this.withPorts({ ...sandbox, wishes, ports: [] });
    return { ...sandbox, wishes: [...sandbox.wishes, ...wishes], ports: [...sandbox.ports, ...more.ports] };
  }

  /** Publishes what `after` has more, whose host ports are held, and gives up what it has less; stores it. All or nothing. */
  changePorts(before: SandboxRecord, after: SandboxRecord): void {
    const come = publishedPorts(after).filter((port) => !before.ports.includes(port));
    const gone = publishedPorts(before).filter((port) => !after.ports.includes(port));
    try {
      this.store(after);
      if (before.wishes.length === 0) this.allowHairpin(after);
      this.deps.rules.unpublish(gone);
      this.deps.rules.publish(come);
    } catch (error) {
      this.deps.ports.release(come);
      this.store(before);
      this.syncFirewall();
      throw error;
    }
    this.deps.ports.release(gone);
  }

  /** It may use its own published ports from now on. */
  private allowHairpin({ endpoints }: SandboxRecord): void {
    for (const { cable } of endpoints) if (cable?.hostName) this.deps.links.allowHairpin(cable.hostName);
  }

  /** Default routes and published ports follow the endpoints that lead out; stores `after` completed. `goBack` undoes a failed one. */
  moveWayOut(before: SandboxRecord, after: SandboxRecord): void {
    const [from, to] = [this.waysOut(before), this.waysOut(after)];
    if (from[4]?.endpoint === to[4]?.endpoint && from[6]?.endpoint === to[6]?.endpoint) return this.store(after);
    const moved = this.withPorts(after);
    const [gone, come] = [publishedPorts(before), publishedPorts(moved)];
    const notIn = (others: PublishedPort[]) => (port: PublishedPort) => !others.some((one) => isSamePort(one, port));
    try {
      this.store(moved);
      this.deps.rules.unpublish(gone);
      this.deps.rules.publish(come);
      this.setWaysOut(moved);
    } catch (error) {
      this.deps.ports.release(come.filter(notIn(gone)));
      throw error;
    }
    this.deps.ports.release(gone.filter(notIn(come)));
  }

  private setWaysOut(sandbox: SandboxRecord): void {
    const ways = Object.values(this.waysOut(sandbox)).map(({ gateway, cable }) => ({ gateway, link: cable.name }));
    this.deps.links.setWaysOut(this.netnsPath(sandbox.containerId), ways);
  }

  private waysOut({ endpoints }: SandboxRecord): WaysOut {
    return waysOut(endpoints, (id) => this.deps.catalog.byId(id));
  }

  /** Its cable on a bridge network; undefined: it has none there. */
  cableEnds({ containerId, endpoints }: SandboxRecord, networkId: string): CableEnds | undefined {
    const cable = endpoints.find((endpoint) => endpoint.networkId === networkId)?.cable;
    if (cable?.hostName === undefined) return undefined;
    return { hostName: cable.hostName, netns: this.netnsPath(containerId), name: cable.name };
  }

  shapedCables(sandbox: SandboxRecord): CableEnds[] {
    return Object.keys(sandbox.shapes ?? {}).flatMap((networkId) => this.cableEnds(sandbox, networkId) ?? []);
  }

  /** Takes everything of a container away, past errors; what stays is told to the log and swept at the next start. */
  takeDown(sandbox: SandboxRecord): void {
    const failures: string[] = [];
    const step = (body: () => void): void => {
      try {
        body();
      } catch (error) {
        failures.push(messageOf(error));
      }
    };
    step(() => this.deps.names.close(sandbox.containerId));
    step(() => this.deps.rules.unpublish(publishedPorts(sandbox), sandbox.endpoints));
    for (const cable of this.shapedCables(sandbox)) step(() => this.deps.traffic.clear(cable));
    if (sandbox.ownNamespace) step(() => this.deps.links.removeNamespace(this.netnsPath(sandbox.containerId)));
    if (sandbox.owner?.own) step(() => this.deps.links.removeUserNamespace(this.usernsPath(sandbox.containerId)));
    step(() => this.deps.ports.release(sandbox.ports));
    step(() => this.deps.state.commit([{ bucket: BUCKET, key: sandbox.containerId, value: undefined }], UNSYNCED));
    this.records.delete(sandbox.containerId);
    this.deps.names.changed();
    if (failures.length > 0) {
      this.deps.logger.error("a container's network was not taken down whole", {
        container: sandbox.containerId,
        failures,
      });
    }
  }

  /** The firewall as the records say, in one transaction. */
  syncFirewall(): void {
    this.deps.rules.sync(this.all());
  }

  membersOf(network: NetworkRecord): SandboxRecord[] {
    return [...this.records.values()].filter((s) => s.endpoints.some((e) => e.networkId === network.id));
  }

  /** Errors: conflict NOT_RUNNING. */
  mustHave(containerId: string): SandboxRecord {
    const sandbox = this.records.get(containerId);
    if (sandbox) return sandbox;
    throw new GantryError("conflict", "NOT_RUNNING", `container ${containerId} has no network of its own`);
  }

  /** Survives a crash when it returns. */
  store(sandbox: SandboxRecord, options?: Pick<CommitOptions, "ending">): void {
    const change = { bucket: BUCKET, key: sandbox.containerId, value: sandbox };
    this.deps.state.commit([change], { ...UNSYNCED, ...options });
    this.records.set(sandbox.containerId, sandbox);
    this.deps.names.changed();
  }

  netnsPath(containerId: string): string {
    return path.join(this.deps.options.execRoot, "netns", containerId);
  }

  usernsPath(containerId: string): string {
    return path.join(this.deps.options.execRoot, "userns", containerId);
  }

  /** After a restart; a container without names goes on otherwise. */
  private reopenNames(sandbox: SandboxRecord): void {
    try {
      this.openNames(sandbox);
    } catch (error) {
      this.deps.logger.error("a container's name server was not opened again", {
        container: sandbox.containerName,
        error: messageOf(error),
      });
    }
  }

  /** Cables and namespaces of no live container, parents of no network. */
  private sweep(live: ReadonlySet<string>): void {
    const folder = path.join(this.deps.options.execRoot, "netns");
    for (const id of this.deps.links.namespacesIn(folder)) {
      if (!live.has(id) || !this.records.has(id)) this.deps.links.removeNamespace(path.join(folder, id));
    }
    const users = this.usernsPath("");
    for (const id of this.deps.links.namespacesIn(users)) {
      if (!live.has(id) || !this.records.has(id)) this.deps.links.removeUserNamespace(path.join(users, id));
    }
    const wanted = new Set([
      ...[...this.records.values()].flatMap((s) => s.endpoints.flatMap((e) => e.cable?.hostName ?? [])),
      ...this.deps.catalog.list().flatMap(({ sublink }) => sublink?.parent ?? []),
    ]);
    for (const { name, label } of this.deps.links.list()) {
      if (isCableOf(this.deps.options.bridge, label) && !wanted.has(name)) this.deps.links.removeLink(name);
    }
  }
}
