import path from "node:path";
import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Firewall, PublishedPort } from "../../ports/firewall.ts";
import type { Links } from "../../ports/links.ts";
import type { Logger } from "../../ports/logger.ts";
import type { PortReservations } from "../../ports/port-reservations.ts";
import type { StateStore } from "../../ports/state-store.ts";
import { NetworkCatalog, type NetworkOptions } from "./catalog.ts";
import type { Attachment, AttachRequest, ContainerNetworking } from "./contract.ts";
import {
  gatewayEndpoint,
  NOT_WITH_HOST,
  NOT_WITH_NONE,
  type Place,
  planEndpoint,
  planPlaces,
  usedAddresses,
} from "./endpoint-plan.ts";
import type { NetworkWish } from "./network-plan.ts";
import { planPorts } from "./port-plan.ts";
import { PortPublisher } from "./port-publisher.ts";
import { type EndpointRecord, isCableName, type NetworkRecord, type SandboxRecord } from "./record.ts";
import { endpointSettings, type NetworkView, networkView, ownHosts } from "./render.ts";
import { containerResolv, parseResolvConf } from "./resolv.ts";

const BUCKET = "endpoints";

export interface NetworksDeps {
  state: StateStore;
  links: Links;
  firewall: Firewall;
  reservations: PortReservations;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  /** Publishes an event of type network: create, destroy, connect, disconnect. */
  publish: (action: string, networkId: string, attributes: Record<string, string>) => void;
  /** The namespace of another container, for `container:ID`; undefined: the host's. Throws when there is none. */
  netnsOf: (containerId: string) => string | undefined;
  options: NetworkOptions;
}

/**
 * Networks and the containers on them. All effects are synchronous, so that nothing comes between a plan and its
 * execution. Call `init`, then `restore` (also on a first start), then the rest.
 */
export class Networks implements ContainerNetworking {
  private readonly deps: NetworksDeps;
  private readonly catalog: NetworkCatalog;
  private readonly ports: PortPublisher;
  private readonly sandboxes = new Map<string, SandboxRecord>();

  constructor(deps: NetworksDeps) {
    this.deps = deps;
    this.catalog = new NetworkCatalog(deps);
    this.ports = new PortPublisher({
      reservations: deps.reservations,
      sandboxes: () => this.sandboxes.values(),
    });
  }

  /** Reads what is stored, makes the built-in networks, brings the bridges up. Leaves the firewall alone. */
  init(): void {
    this.deps.links.enableForwarding();
    for (const [id, record] of this.deps.state.list<SandboxRecord>(BUCKET)) this.sandboxes.set(id, record);
    this.catalog.load();
  }

  /**
   * After `init`: holds the ports of the containers that live, applies the firewall in one transaction (what is
   * published goes on without a gap), and takes away whatever belongs to no live container.
   */
  restore(liveContainerIds: string[]): void {
    const live = new Set(liveContainerIds);
    const dead = [...this.sandboxes.values()].filter((sandbox) => !live.has(sandbox.containerId));
    this.deps.state.commit(dead.map(({ containerId }) => ({ bucket: BUCKET, key: containerId, value: undefined })));
    for (const { containerId } of dead) this.sandboxes.delete(containerId);
    for (const sandbox of this.sandboxes.values()) {
      for (const port of sandbox.ports) {
        if (this.ports.reclaim(port)) continue;
        this.deps.logger.warn("a published port was taken by another program while the engine was down", {
          container: sandbox.containerName,
          ...port,
        });
      }
    }
    this.syncFirewall();
    this.sweep(live);
  }

  async attach(request: AttachRequest): Promise<Attachment> {
    const before = this.sandboxes.get(request.containerId);
    if (before) this.takeDown(before);
    const resolv = parseResolvConf(this.deps.links.hostResolvConf());
    if (request.networkMode.startsWith("container:")) {
      const netns = this.deps.netnsOf(request.networkMode.slice("container:".length));
      return { netns, networks: {}, ports: {}, hosts: [], resolv: netns ? containerResolv(resolv) : resolv };
    }
    const places = planPlaces(request.networkMode, request.endpoints, (ref) => this.catalog.resolve(ref));
    const sandbox = this.planSandbox(request, places);
    try {
      this.deps.state.commit([{ bucket: BUCKET, key: sandbox.containerId, value: sandbox }]);
      this.sandboxes.set(sandbox.containerId, sandbox);
      this.build(sandbox);
    } catch (error) {
      this.takeDown(sandbox);
      throw error;
    }
    for (const { network } of places) this.tell("connect", network, sandbox.containerId);
    return {
      netns: sandbox.ownNamespace ? this.netnsPath(sandbox.containerId) : undefined,
      networks: this.settingsOf(sandbox),
      ports: sandbox.portMap,
      hosts: ownHosts(sandbox.endpoints, sandbox.hostname),
      resolv: sandbox.ownNamespace ? containerResolv(resolv) : resolv,
    };
  }

  async detach(containerId: string): Promise<void> {
    const sandbox = this.sandboxes.get(containerId);
    if (sandbox === undefined) return;
    const networks = sandbox.endpoints.flatMap((endpoint) => this.catalog.byId(endpoint.networkId) ?? []);
    this.takeDown(sandbox);
    for (const network of networks) this.tell("disconnect", network, containerId);
  }

  /** The endpoints of a container as they are now, by network name; undefined: it has none. */
  endpointsOf(containerId: string): Record<string, EndpointSettings> | undefined {
    const sandbox = this.sandboxes.get(containerId);
    return sandbox && this.settingsOf(sandbox);
  }

  /** The container has a new name. */
  rename(containerId: string, name: string): void {
    const sandbox = this.sandboxes.get(containerId);
    if (sandbox) this.store({ ...sandbox, containerName: name });
  }

  list(): NetworkView[] {
    return this.catalog.list().map((network) => networkView(network, this.sandboxes.values()));
  }

  /** Errors: notFound NO_SUCH_NETWORK, invalid AMBIGUOUS_NETWORK. */
  inspect(reference: string): NetworkView {
    return networkView(this.catalog.resolve(reference), this.sandboxes.values());
  }

  create(wish: NetworkWish): NetworkView {
    const network = this.catalog.create(wish);
    this.syncFirewall();
    this.tell("create", network);
    return networkView(network, []);
  }

  /** Errors: forbidden PREDEFINED_NETWORK, forbidden NETWORK_IN_USE. */
  remove(reference: string): void {
    const network = this.catalog.resolve(reference);
    const [member] = this.membersOf(network);
    if (member && !network.builtin) {
      throw new GantryError(
        "forbidden",
        "NETWORK_IN_USE",
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
        {
          hint: `container ${member.containerName} is on it: gantry network disconnect ${network.name} ${member.containerName}`,
        },
      );
    }
    this.catalog.remove(network);
    this.syncFirewall();
    this.tell("destroy", network);
  }

  /** Removes the user's networks that no container is on and that `wanted` picks; gives their names. */
  prune(wanted: (network: NetworkView) => boolean): string[] {
    const gone: string[] = [];
    for (const network of this.catalog.list()) {
      if (network.builtin || this.membersOf(network).length > 0 || !wanted(networkView(network, []))) continue;
      this.catalog.remove(network);
      this.tell("destroy", network);
      gone.push(network.name);
    }
    if (gone.length > 0) this.syncFirewall();
    return gone;
  }

  /** Plugs a running container into one more network. Errors: forbidden ALREADY_CONNECTED, those of `attach`. */
  connect(reference: string, containerId: string, asked: EndpointSettings): EndpointSettings {
    const network = this.catalog.resolve(reference);
    const before = this.mustHave(containerId);
    checkMixable(network, before, (id) => this.catalog.byId(id));
    if (before.endpoints.some((endpoint) => endpoint.networkId === network.id)) {
      throw new GantryError(
        "forbidden",
        "ALREADY_CONNECTED",
        `endpoint with name ${before.containerName} already exists in network ${network.name}`,
      );
    }
    const endpoint = this.planEndpoint({ network, asked }, freeInterfaceName(before.endpoints));
    const after = { ...before, endpoints: [...before.endpoints, endpoint] };
    this.store(after);
    try {
      this.plug(after, endpoint, undefined);
      this.moveWayOut(before, after);
    } catch (error) {
      if (endpoint.cable) this.deps.links.removeLink(endpoint.cable.hostName);
      this.store(before);
      throw error;
    }
    this.tell("connect", network, containerId);
    return endpointSettings(endpoint, network, after);
  }

  /** Unplugs a running container. Errors: forbidden NOT_CONNECTED. */
  disconnect(reference: string, containerId: string): void {
    const network = this.catalog.resolve(reference);
    const before = this.mustHave(containerId);
    if (network.driver === "host") throw new GantryError("invalid", "BAD_ENDPOINT", NOT_WITH_HOST);
    const endpoint = before.endpoints.find((candidate) => candidate.networkId === network.id);
    if (endpoint === undefined) {
      throw new GantryError(
        "forbidden",
        "NOT_CONNECTED",
        `container ${containerId} is not connected to network ${network.name}`,
      );
    }
    const after = { ...before, endpoints: before.endpoints.filter((candidate) => candidate !== endpoint) };
    this.moveWayOut(before, after);
    if (endpoint.cable) this.deps.links.removeLink(endpoint.cable.hostName);
    this.tell("disconnect", network, containerId);
  }

  private planSandbox(request: AttachRequest, places: Place[]): SandboxRecord {
    const endpoints = places.map((place, index) => this.planEndpoint(place, `eth${index}`));
    const sandbox: SandboxRecord = {
      containerId: request.containerId,
      containerName: request.containerName,
      hostname: request.hostname,
      ownNamespace: !places.some(({ network }) => network.driver === "host"),
      endpoints,
      ports: [],
      portMap: {},
    };
    const out = gatewayEndpoint(endpoints, (id) => this.catalog.byId(id));
    const cable = out?.cable;
    if (out === undefined || cable === undefined) return sandbox;
    const plan = planPorts(request, this.catalog.byId(out.networkId)?.bridge?.hostBinding ?? "0.0.0.0");
    const owner = { containerName: request.containerName, endpointId: out.endpointId };
    sandbox.ports = this.ports.claim(plan.wishes, cable.address, owner);
    for (const key of plan.exposed) sandbox.portMap[key] = null;
    plan.wishes.forEach((wish, index) => {
      const port = sandbox.ports[index];
      if (port === undefined) return;
      (sandbox.portMap[wish.key] ??= []).push({ HostIp: port.hostAddress, HostPort: String(port.hostPort) });
    });
    return sandbox;
  }

  private planEndpoint(place: Place, interfaceName: string): EndpointRecord {
    return planEndpoint(place, {
      endpointId: this.deps.ids.id(),
      interfaceName,
      used: usedAddresses(place.network, this.sandboxes.values()),
    });
  }

  private build(sandbox: SandboxRecord): void {
    if (!sandbox.ownNamespace) return;
    this.deps.links.createNamespace(this.netnsPath(sandbox.containerId));
    const out = gatewayEndpoint(sandbox.endpoints, (id) => this.catalog.byId(id));
    for (const endpoint of sandbox.endpoints) {
      const gateway = endpoint === out ? this.catalog.byId(endpoint.networkId)?.bridge?.gateway : undefined;
      this.plug(sandbox, endpoint, gateway);
    }
    this.deps.firewall.publish(sandbox.ports);
    if (out) this.deps.firewall.passForeignPolicy(this.bridges());
  }

  private plug(sandbox: SandboxRecord, endpoint: EndpointRecord, gateway: string | undefined): void {
    const network = this.catalog.byId(endpoint.networkId);
    const { cable } = endpoint;
    if (network?.bridge === undefined || cable === undefined) return;
    const spec = {
      netns: this.netnsPath(sandbox.containerId),
      bridge: network.bridge.link,
      hostName: cable.hostName,
      name: cable.name,
      mac: cable.mac,
      address: cable.address,
      prefix: Number(network.bridge.subnet.split("/")[1]),
      mtu: network.bridge.mtu,
      gateway,
      hairpin: sandbox.ports.length > 0,
    };
    try {
      this.deps.links.plug(spec);
    } catch (error) {
      if (!isGantryError(error, "LINK_FAILED")) throw error;
      // somebody took the bridge away: once more on a new one
      this.catalog.ensureBridge(network);
      this.deps.links.plug(spec);
    }
  }

  /** Default route and published ports follow the endpoint that leads out; stores `after`. */
  private moveWayOut(before: SandboxRecord, after: SandboxRecord): void {
    const network = (id: string): NetworkRecord | undefined => this.catalog.byId(id);
    const from = gatewayEndpoint(before.endpoints, network);
    const to = gatewayEndpoint(after.endpoints, network);
    if (from === to) return this.store(after);
    const address = to?.cable?.address;
    const ports = address === undefined ? [] : after.ports.map((port) => ({ ...port, address }));
    this.store({ ...after, ports });
    this.deps.firewall.unpublish(before.ports);
    this.deps.firewall.publish(ports);
    if (address === undefined) this.ports.release(before.ports);
    this.deps.links.setGateway(this.netnsPath(after.containerId), to && network(to.networkId)?.bridge?.gateway);
  }

  /** Takes everything of a container away, past errors; what stays is told to the log and swept at the next start. */
  private takeDown(sandbox: SandboxRecord): void {
    const failures: string[] = [];
    const step = (body: () => void): void => {
      try {
        body();
      } catch (error) {
        failures.push(messageOf(error));
      }
    };
    step(() => this.deps.firewall.unpublish(sandbox.ports));
    if (sandbox.ownNamespace) step(() => this.deps.links.removeNamespace(this.netnsPath(sandbox.containerId)));
    step(() => this.ports.release(sandbox.ports));
    step(() => this.deps.state.commit([{ bucket: BUCKET, key: sandbox.containerId, value: undefined }]));
    this.sandboxes.delete(sandbox.containerId);
    if (failures.length > 0) {
      this.deps.logger.error("a container's network was not taken down whole", {
        container: sandbox.containerId,
        failures,
      });
    }
  }

  /** Cables and namespaces of no live container. */
  private sweep(live: ReadonlySet<string>): void {
    const folder = path.join(this.deps.options.execRoot, "netns");
    for (const id of this.deps.links.namespacesIn(folder)) {
      if (!live.has(id) || !this.sandboxes.has(id)) this.deps.links.removeNamespace(path.join(folder, id));
    }
    const bridges = new Set(this.bridges());
    const links = this.deps.links.list();
    const ours = new Set(links.filter((link) => bridges.has(link.name)).map((link) => link.index));
    const wanted = new Set(
      [...this.sandboxes.values()].flatMap((s) => s.endpoints.flatMap((e) => e.cable?.hostName ?? [])),
    );
    for (const link of links) {
      if (isCableName(link.name) && ours.has(link.master) && !wanted.has(link.name))
        this.deps.links.removeLink(link.name);
    }
  }

  private syncFirewall(): void {
    const networks = this.catalog
      .list()
      .flatMap(({ bridge, internal }) =>
        bridge
          ? [{ bridge: bridge.link, subnet: bridge.subnet, internal, icc: bridge.icc, masquerade: bridge.masquerade }]
          : [],
      );
    this.deps.firewall.sync(networks, this.allPorts());
    this.deps.firewall.passForeignPolicy(this.bridges());
  }

  private allPorts(): PublishedPort[] {
    return [...this.sandboxes.values()].flatMap((sandbox) => sandbox.ports);
  }

  private bridges(): string[] {
    return this.catalog.list().flatMap(({ bridge }) => (bridge ? [bridge.link] : []));
  }

  private membersOf(network: NetworkRecord): SandboxRecord[] {
    return [...this.sandboxes.values()].filter((s) => s.endpoints.some((e) => e.networkId === network.id));
  }

  private settingsOf(sandbox: SandboxRecord): Record<string, EndpointSettings> {
    return Object.fromEntries(
      sandbox.endpoints.flatMap((endpoint) => {
        const network = this.catalog.byId(endpoint.networkId);
        return network ? [[network.name, endpointSettings(endpoint, network, sandbox)]] : [];
      }),
    );
  }

  private mustHave(containerId: string): SandboxRecord {
    const sandbox = this.sandboxes.get(containerId);
    if (sandbox) return sandbox;
    throw new GantryError("conflict", "NOT_RUNNING", `container ${containerId} has no network of its own`);
  }

  private store(sandbox: SandboxRecord): void {
    this.deps.state.commit([{ bucket: BUCKET, key: sandbox.containerId, value: sandbox }]);
    this.sandboxes.set(sandbox.containerId, sandbox);
  }

  private netnsPath(containerId: string): string {
    return path.join(this.deps.options.execRoot, "netns", containerId);
  }

  private tell(action: string, network: NetworkRecord, container?: string): void {
    this.deps.publish(action, network.id, {
      name: network.name,
      type: network.driver,
      ...(container === undefined ? {} : { container }),
    });
  }
}

function checkMixable(
  network: NetworkRecord,
  sandbox: SandboxRecord,
  byId: (id: string) => NetworkRecord | undefined,
): void {
  const drivers = [network.driver, ...sandbox.endpoints.map((endpoint) => byId(endpoint.networkId)?.driver)];
  if (drivers.includes("host")) throw new GantryError("invalid", "BAD_ENDPOINT", NOT_WITH_HOST);
  if (drivers.includes("null") && drivers.length > 1) throw new GantryError("invalid", "BAD_ENDPOINT", NOT_WITH_NONE);
}

function freeInterfaceName(endpoints: EndpointRecord[]): string {
  const taken = new Set(endpoints.map((endpoint) => endpoint.cable?.name));
  for (let index = 0; ; index++) if (!taken.has(`eth${index}`)) return `eth${index}`;
}
