import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { shapeWords } from "../../base/traffic-shape.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { AllowedFlow, Firewall } from "../../ports/firewall.ts";
import type { Links, NamespaceOwner } from "../../ports/links.ts";
import type { Logger } from "../../ports/logger.ts";
import type { NameServers } from "../../ports/name-servers.ts";
import type { PortReservations } from "../../ports/port-reservations.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { Traffic } from "../../ports/traffic.ts";
import type { Sublinks } from "../../ports/sublinks.ts";
import { NetworkCatalog, type NetworkOptions } from "./catalog.ts";
import type { Attachment, AttachRequest, ContainerNetworking } from "./contract.ts";
import { NameService } from "./dns/name-service.ts";
import {
  checkMixable,
  freeInterfaceName,
  hostBinding,
  networkName,
  NOT_WITH_HOST,
  type Place,
  planEndpoint,
  planPlaces,
  usedAddresses,
} from "./endpoint-plan.ts";
import { LivePorts } from "./live-ports.ts";
import type { NetworkWish } from "./network-plan.ts";
import { PacketRules } from "./packet-rules.ts";
import { planPorts } from "./port-plan.ts";
import { PortPublisher } from "./port-publisher.ts";
import { type EndpointRecord, hasNames, type NetworkRecord, type SandboxRecord } from "./record.ts";
import { endpointSettings, type NetworkView, networkView, ownHosts, portMap } from "./render.ts";
import type { Resolv } from "./resolv.ts";
import { ResolvPlan } from "./resolv-plan.ts";
import { Sandboxes } from "./sandboxes.ts";
import { Shapes } from "./shapes.ts";

export interface NetworksDeps {
  state: StateStore;
  links: Links;
  sublinks: Sublinks;
  firewall: Firewall;
  traffic: Traffic;
  reservations: PortReservations;
  nameServers: NameServers;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  /** Publishes an event of type network: create, destroy, connect, disconnect. */
  publish: (action: string, networkId: string, attributes: Record<string, string>) => void;
  /** The namespaces of another container, for `container:ID`; missing: the host's. Throws when there is none. */
  namespacesOf: (containerId: string) => Partial<Pick<Attachment, "netns" | "userns" | "resolv">>;
  /** An engine was killed while it plugged a container in or out: it is off that network now. */
  withdrawn: (containerId: string, networkName: string) => void;
  /** What resolv.conf of a running container is to hold from now on. */
  resolvChanged: (containerId: string, resolv: Resolv) => void;
  options: NetworkOptions;
}

/**
 * Networks and the containers on them. All effects are synchronous, so that nothing comes between a plan and its
 * execution. Call `init`, then `restore` (also on a first start), then the rest.
 */
export class Networks implements ContainerNetworking {
  readonly ports: LivePorts;
  readonly shapes: Shapes;
  private readonly deps: NetworksDeps;
  private readonly catalog: NetworkCatalog;
  private readonly sandboxes: Sandboxes;
  private readonly names: NameService;
  private readonly resolv: ResolvPlan;

  constructor(deps: NetworksDeps) {
    this.deps = deps;
    this.resolv = new ResolvPlan(deps.links);
    this.catalog = new NetworkCatalog(deps);
    const records = new Map<string, SandboxRecord>();
    const ports = new PortPublisher({ reservations: deps.reservations, sandboxes: () => records.values() });
    this.names = new NameService({
      ...{ servers: deps.nameServers, ids: deps.ids, logger: deps.logger, sandboxes: records },
      network: (id) => this.catalog.byId(id),
    });
    const rules = new PacketRules({ ...deps, catalog: this.catalog });
    this.sandboxes = new Sandboxes({ ...deps, rules, ports, catalog: this.catalog, names: this.names }, records);
    const parts = { catalog: this.catalog, sandboxes: this.sandboxes };
    this.ports = new LivePorts(parts);
    this.shapes = new Shapes({
      ...{ ...parts, traffic: deps.traffic, clock: deps.clock, logger: deps.logger },
      tell: (action, network, container, shape) =>
        this.tell(action, network, container, shape && { shape: shapeWords(shape) }),
    });
  }

  /** Reads what is stored, makes the built-in networks, brings their links up. Leaves the firewall alone. */
  init(): void {
    this.deps.links.enableForwarding(4);
    this.sandboxes.load();
    this.catalog.load();
  }

  /**
   * After `init`: holds the ports of the containers that live, applies the firewall in one transaction (what is
   * published goes on without a gap), and takes away whatever belongs to no live container.
   */
  restore(liveContainerIds: string[]): void {
    for (const { containerId, unsettled } of this.sandboxes.restore(new Set(liveContainerIds))) {
      const { dns } = this.sandboxes.mustHave(containerId);
      if (unsettled.newResolver) this.deps.resolvChanged(containerId, this.resolv.named(dns).resolv);
      const network = this.catalog.byId(unsettled.endpoint.networkId);
      if (network) this.deps.withdrawn(containerId, network.name);
    }
    this.shapes.restore();
  }

  /** At the engine's end: while containers run all of it stays, else links and firewall go. */
  close(): void {
    this.names.closeAll();
    this.shapes.close();
    if (this.sandboxes.all().length > 0) return this.deps.firewall.close();
    this.deps.firewall.remove();
    this.catalog.removeLinks();
  }

  async attach(request: AttachRequest): Promise<Attachment> {
    const before = this.sandboxes.get(request.containerId);
    if (before) this.sandboxes.takeDown(before);
    if (request.networkMode.startsWith("container:")) {
      const theirs = this.deps.namespacesOf(request.networkMode.slice("container:".length));
      const joined = { netns: theirs.netns, ...(request.userns && { userns: theirs.userns }) };
      const resolv =
        theirs.resolv ?? this.resolv.unnamed({ ownNamespace: theirs.netns !== undefined, endpoints: [] }, request.dns);
      return { ...joined, networks: {}, ports: {}, hosts: [], resolv };
    }
    const places = planPlaces(request.networkMode, request.endpoints, (ref) => this.catalog.resolve(ref));
    const sandbox = this.planSandbox(request, places);
    try {
      this.sandboxes.store(sandbox);
      this.sandboxes.build(sandbox);
    } catch (error) {
      this.sandboxes.takeDown(sandbox);
      throw error;
    }
    for (const { network } of places) this.tell("connect", network, sandbox.containerId);
    return {
      netns: sandbox.ownNamespace ? this.sandboxes.netnsPath(sandbox.containerId) : undefined,
      ...(sandbox.owner && { userns: { path: sandbox.owner.path, map: sandbox.owner.map } }),
      networks: this.settingsOf(sandbox),
      ports: this.portsOf(sandbox),
      hosts: ownHosts(sandbox.endpoints, sandbox.hostname),
      resolv: sandbox.resolver ? this.resolv.named(request.dns).resolv : this.resolv.unnamed(sandbox, request.dns),
    };
  }

  async detach(containerId: string): Promise<void> {
    const sandbox = this.sandboxes.get(containerId);
    if (sandbox === undefined) return;
    const networks = sandbox.endpoints.flatMap((endpoint) => this.catalog.byId(endpoint.networkId) ?? []);
    this.sandboxes.takeDown(sandbox);
    for (const network of networks) this.tell("disconnect", network, containerId);
  }

  allow(containerId: string, allowed: AllowedFlow[]): void {
    const sandbox = this.sandboxes.get(containerId);
    const apart = this.catalog.list().some(({ builtin, bridge }) => builtin && bridge?.icc === false);
    if (!apart || !sandbox || JSON.stringify(sandbox.allowed ?? []) === JSON.stringify(allowed)) return;
    this.sandboxes.store({ ...sandbox, allowed });
    this.sandboxes.syncFirewall();
  }

  hostGateway(): string | undefined {
    return (
      this.deps.options.hostGateway ??
      this.catalog.list().find(({ builtin, bridge }) => builtin && bridge)?.subnets[0]?.gateway
    );
  }

  /** What a container has now, after connects and disconnects; undefined: nothing. */
  current(containerId: string): Pick<Attachment, "networks" | "ports"> | undefined {
    const sandbox = this.sandboxes.get(containerId);
    return sandbox && { networks: this.settingsOf(sandbox), ports: this.portsOf(sandbox) };
  }

  /** The container has a new name. */
  rename(containerId: string, name: string): void {
    const sandbox = this.sandboxes.get(containerId);
    if (sandbox) this.sandboxes.store({ ...sandbox, containerName: name });
  }

  list(): NetworkView[] {
    return this.catalog.list().map((network) => networkView(network, this.sandboxes.all()));
  }

  /** All networks as the index keeps them. */
  records(): NetworkRecord[] {
    return this.catalog.list();
  }

  /** Errors: as `inspect`. */
  record(reference: string): NetworkRecord {
    return this.catalog.resolve(reference);
  }

  /** Errors: notFound NO_SUCH_NETWORK, invalid AMBIGUOUS_NETWORK. */
  inspect(reference: string): NetworkView {
    return networkView(this.catalog.resolve(reference), this.sandboxes.all());
  }

  /** What networks can be made of here. */
  drivers(): string[] {
    const sublinks = (["ipvlan", "macvlan"] as const).filter((kind) => this.deps.sublinks.supports(kind));
    return ["bridge", "host", ...sublinks, "null"];
  }

  create(wish: NetworkWish): NetworkView {
    const network = this.catalog.create(wish);
    this.sandboxes.syncFirewall();
    this.tell("create", network);
    return networkView(network, []);
  }

  /** Errors: forbidden PREDEFINED_NETWORK, forbidden NETWORK_IN_USE. */
  remove(reference: string): void {
    const network = this.catalog.resolve(reference);
    const [member] = this.sandboxes.membersOf(network);
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
    this.sandboxes.syncFirewall();
    this.tell("destroy", network);
  }

  /** Removes the user's networks that no container is on and that `wanted` picks; gives their names. */
  prune(wanted: (network: NetworkView) => boolean): string[] {
    const gone: string[] = [];
    for (const network of this.catalog.list()) {
      if (network.builtin || this.sandboxes.membersOf(network).length > 0 || !wanted(networkView(network, [])))
        continue;
      this.catalog.remove(network);
      this.tell("destroy", network);
      gone.push(network.name);
    }
    if (gone.length > 0) this.sandboxes.syncFirewall();
    this.deps.publish("prune", "", { reclaimed: "0" });
    return gone;
  }

  /**
   * Plugs a running container into one more network. Taken back at the next start unless `settle` follows.
   * Errors: forbidden ALREADY_CONNECTED, those of `attach`.
   */
  connect(reference: string, containerId: string, asked: EndpointSettings): EndpointSettings {
    const network = this.catalog.resolve(reference);
    const before = this.sandboxes.mustHave(containerId);
    const joined = before.endpoints.flatMap((endpoint) => this.catalog.byId(endpoint.networkId) ?? []);
    if (joined.includes(network)) throw alreadyConnected(before.containerName, network);
    checkMixable(network, joined);
    const endpoint = this.planEndpoint({ network, asked }, freeInterfaceName(before.endpoints));
    const names = before.resolver === undefined && hasNames(network) ? this.resolv.named(before.dns) : undefined;
    const after = {
      ...{ ...before, endpoints: [...before.endpoints, endpoint] },
      ...(names && { resolver: names.resolver }),
      unsettled: { endpoint, newResolver: names !== undefined },
    };
    this.sandboxes.store(after);
    try {
      this.sandboxes.plug(after, endpoint);
      this.sandboxes.openNames(after);
      this.sandboxes.moveWayOut(before, after);
    } catch (error) {
      this.sandboxes.goBack(before, endpoint);
      throw error;
    }
    if (names) this.deps.resolvChanged(containerId, names.resolv);
    this.tell("connect", network, containerId);
    return endpointSettings(endpoint, network, after);
  }

  /** For a container that doesn't run: could it join beside these? Errors: as `connect`. */
  checkConnect(reference: string, joined: string[], containerId: string): void {
    const network = this.catalog.resolve(reference);
    const others = joined.map((name) => this.catalog.resolve(networkName(name)));
    if (others.includes(network)) throw alreadyConnected(containerId, network);
    checkMixable(network, others);
  }

  /** Unplugs a running container; `settle` is to follow. Errors: forbidden NOT_CONNECTED. */
  disconnect(reference: string, containerId: string): void {
    const network = this.catalog.resolve(reference);
    const before = this.sandboxes.mustHave(containerId);
    if (network.driver === "host") throw new GantryError("invalid", "BAD_ENDPOINT", NOT_WITH_HOST);
    const endpoint = before.endpoints.find((candidate) => candidate.networkId === network.id);
    if (endpoint === undefined) {
      throw new GantryError(
        "forbidden",
        "NOT_CONNECTED",
        `container ${containerId} is not connected to network ${network.name}`,
      );
    }
    const unshaped = this.shapes.leave(before, network);
    const after = {
      ...{ ...unshaped, endpoints: before.endpoints.filter((candidate) => candidate !== endpoint) },
      unsettled: { endpoint, newResolver: false },
    };
    try {
      this.sandboxes.moveWayOut(unshaped, after);
    } catch (error) {
      this.sandboxes.goBack(unshaped);
      throw error;
    }
    this.sandboxes.unplug(after, endpoint);
    this.tell("disconnect", network, containerId);
  }

  /** The container's record says what `connect` or `disconnect` did. */
  settle(containerId: string): void {
    const { unsettled, ...sandbox } = this.sandboxes.mustHave(containerId);
    if (unsettled) this.sandboxes.store(sandbox, { ending: true });
  }

  private planSandbox(request: AttachRequest, places: Place[]): SandboxRecord {
    const endpoints = places.map((place, index) => this.planEndpoint(place, `eth${index}`, request.before));
    const { containerId, containerName, hostname } = request;
    const ownNamespace = !places.some(({ network }) => network.driver === "host");
    const { wishes, exposed } = planPorts(
      request,
      hostBinding(endpoints, (id) => this.catalog.byId(id)),
    );
    return this.sandboxes.withPorts({
      ...{ containerId, containerName, hostname, ownNamespace, endpoints },
      ...(ownNamespace && request.userns && { owner: this.ownerOf(containerId, request.userns) }),
      ...(request.dns && { dns: request.dns }),
      ...(places.some(({ network }) => hasNames(network)) && { resolver: this.resolv.named(request.dns).resolver }),
      ...(ownNamespace ? { wishes, exposed } : { wishes: [], exposed: [] }),
      ports: [],
    });
  }

  private ownerOf(containerId: string, userns: NonNullable<AttachRequest["userns"]>): NamespaceOwner {
    if ("path" in userns) return { ...userns, own: false };
    return { path: this.sandboxes.usernsPath(containerId), map: userns.map, own: true };
  }

  private planEndpoint(place: Place, interfaceName: string, before?: AttachRequest["before"]): EndpointRecord {
    this.refuseSecond(place.network);
    return planEndpoint(place, {
      endpointId: this.deps.ids.id(),
      interfaceName,
      used: usedAddresses(place.network, this.sandboxes.all()),
      before: before?.networks[place.network.name],
    });
  }

  /** Errors: conflict PARENT_IN_USE for a second container on a parent that is one's alone. */
  private refuseSecond(network: NetworkRecord): void {
    const { sublink, name } = network;
    const [member] = this.sandboxes.membersOf(network);
    if (sublink?.type.mode !== "passthru" || member === undefined) return;
    throw new GantryError(
      "conflict",
      "PARENT_IN_USE",
      `failed to create the macvlan port: invalid argument: network ${name} has mode passthru, which takes ${sublink.parent} for one container alone, and ${member.containerName} has it`,
    );
  }

  /** Ports are a bridge's matter: on other networks nothing is published, and what is exposed says nothing. */
  private portsOf(sandbox: SandboxRecord): ReturnType<typeof portMap> {
    const bridged = sandbox.endpoints.some(({ networkId }) => this.catalog.byId(networkId)?.bridge);
    return bridged ? portMap(sandbox) : {};
  }

  private settingsOf(sandbox: SandboxRecord): Record<string, EndpointSettings> {
    return Object.fromEntries(
      sandbox.endpoints.flatMap((endpoint) => {
        const network = this.catalog.byId(endpoint.networkId);
        return network ? [[network.name, endpointSettings(endpoint, network, sandbox)]] : [];
      }),
    );
  }

  private tell(action: string, network: NetworkRecord, container?: string, more: Record<string, string> = {}): void {
    const about = { name: network.name, type: network.driver, ...(container === undefined ? {} : { container }) };
    this.deps.publish(action, network.id, { ...about, ...more });
  }
}

const alreadyConnected = (container: string, network: NetworkRecord): GantryError =>
  new GantryError(
    "forbidden",
    "ALREADY_CONNECTED",
    `endpoint with name ${container} already exists in network ${network.name}`,
  );
