import { GantryError, messageOf } from "../../base/errors.ts";
import { checkShape, type TrafficShape } from "../../base/traffic-shape.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Traffic } from "../../ports/traffic.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkRecord, SandboxRecord, ShapeRecord } from "./record.ts";
import type { Sandboxes } from "./sandboxes.ts";

/** A year, in milliseconds. */
const LONGEST = 365 * 24 * 60 * 60 * 1000;

export interface ShapesDeps {
  catalog: NetworkCatalog;
  sandboxes: Sandboxes;
  traffic: Traffic;
  clock: Clock;
  logger: Logger;
  /** An event of type network about one container's shape. */
  tell: (action: "shape" | "unshape", network: NetworkRecord, containerId: string, shape?: TrafficShape) => void;
}

/** Which of its networks; missing: all. */
export interface ShapeTarget {
  containerId: string;
  network?: string;
}

/**
 * Networks made worse for a container while it runs. A shape is stored before it is made, with its end; it goes with the
 * container's stop. Synchronous.
 */
export class Shapes {
  private readonly deps: ShapesDeps;
  private cancelTimer: (() => void) | undefined;

  constructor(deps: ShapesDeps) {
    this.deps = deps;
  }

  /** By network name; none of a container that is down. Errors: for a named network as of `set`. */
  of({ containerId, network }: ShapeTarget): Record<string, ShapeRecord> {
    const { catalog, sandboxes } = this.deps;
    const sandbox = sandboxes.get(containerId);
    const asked = sandbox && network !== undefined ? this.targets(sandbox, network).map(({ id }) => id) : undefined;
    const shapes = Object.entries(sandbox?.shapes ?? {}).filter(([id]) => asked?.includes(id) ?? true);
    return Object.fromEntries(shapes.flatMap(([id, shape]) => [[catalog.byId(id)?.name ?? id, shape]]));
  }

  /**
   * In place of earlier ones; all of the networks or none. `ms`: it ends by itself after that.
   * Errors: invalid BAD_SHAPE, conflict NOT_RUNNING, NOT_SHAPEABLE, notFound NO_SUCH_NETWORK, forbidden NOT_CONNECTED,
   * unavailable CANNOT_SHAPE.
   */
  set(target: ShapeTarget, shape: TrafficShape, ms?: number): void {
    checkShape(shape);
    if (ms !== undefined && !(ms <= LONGEST)) {
      throw new GantryError("invalid", "BAD_SHAPE", "a shape that ends by itself does so within a year");
    }
    const { sandboxes, traffic, clock } = this.deps;
    const before = this.running(target.containerId);
    const networks = this.targets(before, target.network);
    traffic.require(shape);
    const record: ShapeRecord = { shape, ...(ms !== undefined && { until: clock.now() + ms }) };
    const more = Object.fromEntries(networks.map(({ id }) => [id, record]));
    const after = { ...before, shapes: { ...before.shapes, ...more } };
    sandboxes.store(after);
    try {
      this.make(after, networks);
    } catch (error) {
      sandboxes.store(before, { ending: true });
      this.tryBack(before, networks);
      throw error;
    }
    this.armTimer();
    for (const network of networks) this.deps.tell("shape", network, target.containerId, shape);
  }

  /** One that is not there is fine. Errors: as of `set`. */
  clear(target: ShapeTarget): void {
    const before = this.running(target.containerId);
    this.take(before, this.targets(before, target.network));
  }

  /** After the engine's start: makes all anew, and takes away what has ended. */
  restore(): void {
    const { sandboxes, traffic, logger } = this.deps;
    const shaped = sandboxes.all().filter(({ shapes }) => shapes !== undefined);
    const cables = shaped.flatMap((sandbox) => sandboxes.shapedCables(sandbox).map(({ hostName }) => hostName));
    const works = [
      () => traffic.sweep(new Set(cables)),
      ...shaped.map((sandbox) => () => this.make(sandbox, this.targets(sandbox, undefined))),
    ];
    for (const work of works) {
      try {
        work();
      } catch (error) {
        logger.error("a network's shape was not made again", { error: messageOf(error) });
      }
    }
    this.takeEnded();
  }

  /** The container leaves the network: its shape goes first, since some of it is on the host. Gives the new record. */
  leave(sandbox: SandboxRecord, network: NetworkRecord): SandboxRecord {
    return this.take(sandbox, [network]);
  }

  close(): void {
    this.cancelTimer?.();
  }

  private running(containerId: string): SandboxRecord {
    const sandbox = this.deps.sandboxes.get(containerId);
    if (sandbox) return sandbox;
    throw new GantryError("conflict", "NOT_RUNNING", "the container does not run, or has no network of its own", {
      hint: "a shape belongs to a running container and ends with its stop",
    });
  }

  private targets(sandbox: SandboxRecord, reference: string | undefined): NetworkRecord[] {
    const { catalog } = this.deps;
    const joined = sandbox.endpoints.flatMap(({ networkId }) => catalog.byId(networkId) ?? []);
    const shapeable = joined.filter(({ bridge }) => bridge !== undefined);
    if (reference === undefined) {
      if (shapeable.length === 0) throw notShapeable(joined.map(({ name }) => name));
      return shapeable;
    }
    const network = catalog.resolve(reference);
    if (!joined.includes(network)) {
      throw new GantryError("forbidden", "NOT_CONNECTED", `the container is not connected to network ${network.name}`);
    }
    if (!shapeable.includes(network)) throw notShapeable([network.name]);
    return [network];
  }

  /** What the record says of these networks. */
  private make(sandbox: SandboxRecord, networks: NetworkRecord[]): void {
    for (const { id } of networks) {
      const shape = sandbox.shapes?.[id]?.shape;
      const cable = this.deps.sandboxes.cableEnds(sandbox, id);
      if (cable && shape) this.deps.traffic.shape(cable, shape);
      else if (cable) this.deps.traffic.clear(cable);
    }
  }

  private tryBack(before: SandboxRecord, networks: NetworkRecord[]): void {
    try {
      this.make(before, networks);
    } catch (error) {
      const about = { container: before.containerName, error: messageOf(error) };
      this.deps.logger.error("a container's network is not as it was before its shape was changed", about);
    }
  }

  private take(before: SandboxRecord, networks: NetworkRecord[]): SandboxRecord {
    const gone = networks.filter(({ id }) => before.shapes?.[id]);
    if (gone.length === 0) return before;
    const left = Object.entries(before.shapes ?? {}).filter(([id]) => !networks.some((network) => network.id === id));
    const after = { ...before, shapes: left.length > 0 ? Object.fromEntries(left) : undefined };
    this.make(after, gone);
    this.deps.sandboxes.store(after);
    for (const network of gone) this.deps.tell("unshape", network, before.containerId);
    return after;
  }

  private takeEnded(): void {
    const now = this.deps.clock.now();
    for (const sandbox of this.deps.sandboxes.all()) {
      const ended = Object.entries(sandbox.shapes ?? {}).filter(([, { until = Infinity }]) => until <= now);
      if (ended.length === 0) continue;
      try {
        this.take(
          sandbox,
          ended.flatMap(([id]) => this.deps.catalog.byId(id) ?? []),
        );
      } catch (error) {
        this.deps.logger.error("a shape has not ended", { container: sandbox.containerId, error: messageOf(error) });
      }
    }
    this.armTimer();
  }

  /** For the next end. */
  private armTimer(): void {
    this.cancelTimer?.();
    const now = this.deps.clock.now();
    const ends = this.deps.sandboxes
      .all()
      .flatMap(({ shapes = {} }) =>
        Object.values(shapes).flatMap(({ until }) => (until !== undefined && until > now ? until : [])),
      );
    this.cancelTimer =
      ends.length === 0 ? undefined : this.deps.clock.after(Math.min(...ends) - now, () => this.takeEnded());
  }
}

const notShapeable = (names: string[]): GantryError =>
  new GantryError("conflict", "NOT_SHAPEABLE", `only bridge networks can be shaped, not ${names.join(", ")}`);
