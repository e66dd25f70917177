import { GantryError } from "../../base/errors.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { AttachRequest, PortState, PublishedPorts } from "./contract.ts";
import { hostBinding, planPlaces } from "./endpoint-plan.ts";
import { planPorts } from "./port-plan.ts";
import type { SandboxRecord } from "./record.ts";
import type { Sandboxes } from "./sandboxes.ts";

export interface LivePortsDeps {
  catalog: NetworkCatalog;
  sandboxes: Sandboxes;
}

/** Published ports of containers that run. */
export class LivePorts implements PublishedPorts {
  private readonly deps: LivePortsDeps;

  constructor(deps: LivePortsDeps) {
    this.deps = deps;
  }

  requirePublishable({ networkMode, endpoints }: Pick<AttachRequest, "networkMode" | "endpoints">): void {
    if (networkMode.startsWith("container:")) {
      const other = networkMode.slice("container:".length);
      throw notPublishable(`it shares the network of container ${other}`, `publish the port on container ${other}`);
    }
    const places = planPlaces(networkMode, endpoints, (reference) => this.deps.catalog.resolve(reference));
    const drivers = places.map(({ network }) => network.driver);
    if (drivers.includes("host")) {
      throw notPublishable(
        "its network is the host's",
        "what it listens on is reached at the host's addresses already",
      );
    }
    if (drivers.includes("null")) {
      throw notPublishable(
        "it has no network",
        "gantry network disconnect none …, then gantry network connect bridge …",
      );
    }
    if (places.every(({ network }) => network.sublink)) {
      throw notPublishable(
        `it is on ${drivers.join(" and ")} networks alone`,
        "what it listens on is reached at its own addresses already",
      );
    }
  }

  list(containerId: string): PortState[] {
    const sandbox = this.deps.sandboxes.get(containerId);
    return sandbox ? statesOf(sandbox) : [];
  }

  add(containerId: string, portBindings: AttachRequest["portBindings"]): PortState[] {
    const { sandboxes } = this.deps;
    const before = sandboxes.mustHave(containerId);
    const { wishes } = planPorts({ exposedPorts: [], portBindings, publishAll: false }, this.hostBinding(before));
    sandboxes.changePorts(before, sandboxes.withMorePorts(before, wishes));
    return this.list(containerId).slice(before.wishes.length);
  }

  remove(containerId: string, gone: PortState[], exposed: string[]): void {
    const before = this.deps.sandboxes.mustHave(containerId);
    const states = statesOf(before);
    for (const state of gone) {
      const at = states.findIndex((candidate) => isSame(candidate, state));
      if (at !== -1) states.splice(at, 1);
    }
    const bound = new Set(states.map(({ wish }) => wish.key));
    const unbound = gone.map(({ wish }) => wish.key).filter((key) => exposed.includes(key) && !bound.has(key));
    this.deps.sandboxes.changePorts(before, {
      ...before,
      wishes: states.map(({ wish }) => wish),
      ports: before.ports.length > 0 ? states.map(({ port }) => port ?? null) : [],
      exposed: [...new Set([...before.exposed, ...unbound])],
    });
  }

  /** Where ports are published that name no address of the host. */
  private hostBinding({ endpoints }: SandboxRecord): string {
    return hostBinding(endpoints, (id) => this.deps.catalog.byId(id));
  }
}

const statesOf = ({ wishes, ports }: SandboxRecord): PortState[] =>
  wishes.map((wish, index) => ({ wish, ...(ports[index] && { port: ports[index] }) }));

const isSame = (a: PortState, b: PortState): boolean => JSON.stringify(a) === JSON.stringify(b);

const notPublishable = (reason: string, hint: string): GantryError =>
  new GantryError("conflict", "NOT_PUBLISHABLE", `no port of the container can be published: ${reason}`, { hint });
