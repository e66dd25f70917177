import type { HostConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { PortState } from "../networks/contract.ts";
import { planPorts } from "../networks/port-plan.ts";
import type { ContainerDeps } from "./deps.ts";
import {
  pickPorts,
  type PortBindings,
  portMapOf,
  portWords,
  refuseTwice,
  unasked,
  withBindings,
  withoutBindings,
} from "./port-bindings.ts";
import { type ContainerRecord, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

export type LivePortsDeps = Pick<ContainerDeps, "registry" | "networking" | "publish">;

/** What was changed, in Docker's shape; of a container that is down as it was asked for. */
export interface PortChange {
  ports: ReturnType<typeof portMapOf>;
  running: boolean;
}

/** Changes the published ports of containers, running or not. */
export class LivePorts {
  private readonly deps: LivePortsDeps;

  constructor(deps: LivePortsDeps) {
    this.deps = deps;
  }

  /** All or none; a port without bindings is published at any port. Errors: invalid BAD_PORT, conflict PORT_TAKEN, NOT_PUBLISHABLE, REMOVING. */
  add(entry: ContainerEntry, bindings: PortBindings): Promise<PortChange> {
    return entry.lock.run(async () => {
      const { record } = entry;
      requireKept(record);
      this.deps.networking.ports.requirePublishable({
        networkMode: record.config.NetworkDisabled ? "none" : (record.hostConfig.NetworkMode ?? ""),
        endpoints: record.config.NetworkDisabled ? {} : record.networking,
      });
      const named = Object.fromEntries(
        Object.entries(bindings).map(([key, list]) => [key, list?.length ? list : [{}]]),
      );
      const asked = statesOf({ PortBindings: named }, []);
      if (asked.length === 0) throw noPorts();
      const hostConfig = withBindings(record.hostConfig, named);
      if (isUp(record)) return this.tell(entry, "publish", await this.addLive(entry, named, hostConfig));
      refuseTwice(statesOf(record.hostConfig, exposedBy(record)), asked);
      await this.keep(entry, hostConfig);
      return this.tell(entry, "publish", asked);
    });
  }

  /** All or none. A port without bindings: all of its. Errors: notFound NOT_PUBLISHED, invalid BAD_PORT, conflict REMOVING. */
  remove(entry: ContainerEntry, bindings: PortBindings): Promise<PortChange> {
    return entry.lock.run(async () => {
      const { record } = entry;
      requireKept(record);
      if (Object.keys(bindings).length === 0) throw noPorts();
      const { ports } = this.deps.networking;
      const exposed = exposedBy(record);
      const gone = pickPorts(isUp(record) ? ports.list(entry.id) : statesOf(record.hostConfig, exposed), bindings);
      const wishes = gone.map(({ wish }) => wish);
      const hostConfig = withoutBindings(record.hostConfig, exposed, wishes);
      if (!isUp(record)) {
        await this.keep(entry, hostConfig);
        return this.tell(entry, "unpublish", gone);
      }
      // On record before they go: what is left to do after a crash is always to take away what the record does not have.
      record.state.publishing = true;
      await this.keep(entry, hostConfig);
      ports.remove(entry.id, gone, exposed);
      this.settle(entry);
      return this.tell(entry, "unpublish", gone);
    });
  }

  /** With the lock held: takes away what a change that the engine's end cut short has left. */
  resume(entry: ContainerEntry): void {
    const { record } = entry;
    if (!record.state.publishing) return;
    const { ports } = this.deps.networking;
    const exposed = exposedBy(record);
    ports.remove(entry.id, unasked(ports.list(entry.id), record.hostConfig, exposed), exposed);
    this.settle(entry);
  }

  private async addLive(entry: ContainerEntry, bindings: PortBindings, hostConfig: HostConfig): Promise<PortState[]> {
    const { record } = entry;
    const { ports } = this.deps.networking;
    record.state.publishing = true;
    let added: PortState[] = [];
    try {
      this.deps.registry.save(entry, { sync: false });
      added = ports.add(entry.id, bindings);
      await this.keep(entry, hostConfig);
    } catch (error) {
      ports.remove(entry.id, added, exposedBy(record));
      this.settle(entry);
      throw error;
    }
    this.settle(entry);
    return added;
  }

  /** Durable when it resolves; if that fails, the record is as before. */
  private async keep(entry: ContainerEntry, hostConfig: HostConfig): Promise<void> {
    const before = entry.record.hostConfig;
    entry.record.hostConfig = hostConfig;
    try {
      await this.deps.registry.saveDurably(entry);
    } catch (error) {
      entry.record.hostConfig = before;
      entry.record.state.publishing = undefined;
      throw error;
    }
  }

  /** Network and record are one again. */
  private settle(entry: ContainerEntry): void {
    const { record } = entry;
    record.state.publishing = undefined;
    if (record.attachment) Object.assign(record.attachment, this.deps.networking.current(entry.id));
    this.deps.registry.save(entry, { sync: false, ending: true });
  }

  private tell(entry: ContainerEntry, action: "publish" | "unpublish", states: PortState[]): PortChange {
    this.deps.publish(entry, action, { ports: portWords(states) });
    return { ports: portMapOf(states), running: isUp(entry.record) };
  }
}

const exposedBy = ({ config }: ContainerRecord): string[] => Object.keys(config.ExposedPorts ?? {});

/** What a start would publish where no network says otherwise. */
const statesOf = ({ PortBindings, PublishAllPorts }: HostConfig, exposedPorts: string[]): PortState[] =>
  planPorts(
    { exposedPorts, portBindings: PortBindings ?? {}, publishAll: PublishAllPorts ?? false },
    "0.0.0.0",
  ).wishes.map((wish) => ({ wish }));

function requireKept({ state }: ContainerRecord): void {
  if (state.status !== "removing" && state.status !== "dead") return;
  throw new GantryError("conflict", "REMOVING", "container is marked for removal: its ports can't be changed");
}

const noPorts = (): GantryError =>
  new GantryError("invalid", "BAD_PORT", "no ports given", {
    hint: 'PortBindings: {"80/tcp": [{"HostPort": "8080"}]}',
  });
