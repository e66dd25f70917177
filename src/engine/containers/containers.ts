import type { HostConfig } from "../../base/container-config.ts";
import type { Readable } from "node:stream";
import { GantryError, isGantryError, prefixed } from "../../base/errors.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Checkpoints } from "../../ports/checkpoints.ts";
import type { ContainerViews } from "../../ports/container-views.ts";
import { logKeeping } from "../../base/logging/keeping.ts";
import type { WorkspaceFolders } from "../../ports/layer-store.ts";
import type { ContainerLogs, LogEntry, LogQuery } from "../../ports/container-logs.ts";
import type { LogShippers } from "../../ports/log-shipper.ts";
import { type AttachOptions, Attacher, type ClientStream } from "./attach.ts";
import { ContainerCheckpoints } from "./checkpoints.ts";
import { type CommitRequest, Committer, type CommitterDeps } from "./commit.ts";
import { Copies, type PathInfo, type WriteOptions } from "./copies.ts";
import { type CreateRequest, createContainer, requireContainerName } from "./create.ts";
import type { ContainerDeps } from "./deps.ts";
import { Execs } from "./execs.ts";
import { HealthMonitor } from "./health.ts";
import { Lifecycle, type LifecycleHooks } from "./lifecycle.ts";
import { LivePorts } from "./live-ports.ts";
import { LogRotation } from "./log-rotation.ts";
import { LogShipping } from "./log-shipping.ts";
import { hasLabel, type ListQuery, listContainers } from "./list.ts";
import { linkNames, removeLink, shownLinks } from "./links.ts";
import { requireRunning } from "./pauses.ts";
import { recover } from "./reconcile.ts";
import { cgroupsPathOf, type ContainerRecord, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { Remover, type RemoveOptions } from "./remove.ts";
import { RUNTIME_STUBS } from "./spec/stubs.ts";
import { Starter } from "./start.ts";
import { StandStill } from "./stand-still.ts";
import { StatsFeed } from "./stats/feed.ts";
import { TreeUses } from "./tree-uses.ts";
import { Updater } from "./update.ts";
import { ContainerVolumeUsers } from "./volume-users.ts";
import { Watch } from "./watch.ts";

export interface ContainersDeps extends ContainerDeps, CommitterDeps {
  logs: ContainerLogs;
  checkpoints: Checkpoints;
  shippers: LogShippers;
  hostHostname: string;
  /** A prune is over; bytes that it freed. */
  onPruned: (bytes: number) => void;
  archive: Archive;
  views: ContainerViews;
  /** Where a volume's data is on the host. */
  mountpoint: (volume: string) => string;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Everything one can do with containers; the API's handlers call this. */
export class Containers {
  readonly execs: Execs;
  readonly checkpoints: ContainerCheckpoints;
  readonly ports: LivePorts;
  readonly stats: StatsFeed;
  readonly volumeUsers: ContainerVolumeUsers;
  readonly standStill: StandStill;
  private readonly deps: ContainersDeps;
  private readonly starter: Starter;
  private readonly lifecycle: Lifecycle;
  private readonly remover: Remover;
  private readonly updater: Updater;
  private readonly attacher: Attacher;
  private readonly health: HealthMonitor;
  private readonly rotation: LogRotation;
  private readonly shipping: LogShipping;
  private readonly hooks: LifecycleHooks;
  private readonly watch: Watch;
  private readonly copies: Copies;
  private readonly committer: Committer;

  constructor(deps: ContainersDeps) {
    this.deps = deps;
    this.rotation = new LogRotation(deps, deps.logs);
    this.shipping = new LogShipping(deps);
    this.starter = new Starter(deps, this.shipping, deps.hostHostname);
    this.remover = new Remover(deps, this.starter, this.shipping);
    this.updater = new Updater(deps);
    this.ports = new LivePorts(deps);
    this.execs = new Execs(deps);
    this.stats = new StatsFeed(deps);
    this.health = new HealthMonitor(deps, this.execs);
    this.attacher = new Attacher(deps, deps.logs);
    this.hooks = {
      onStarted: (entry) => {
        this.health.begin(entry);
        this.rotation.begin(entry);
        this.shipping.begin(entry, { ended: false });
      },
      onEnded: (entry) => {
        this.rotation.end(entry);
        this.shipping.ended(entry);
        this.health.ended(entry);
        this.execs.forget(entry);
      },
      autoRemove: (entry) => this.remover.removeLocked(entry, true),
    };
    this.lifecycle = new Lifecycle(deps, this.starter, this.hooks);
    this.checkpoints = new ContainerCheckpoints(deps, this.lifecycle);
    this.volumeUsers = new ContainerVolumeUsers({ ...deps, pauses: this.lifecycle.pauses });
    this.watch = new Watch(deps, this.lifecycle);
    const uses = new TreeUses(deps, deps.views);
    this.copies = new Copies(deps, uses);
    this.standStill = new StandStill(deps, this.lifecycle, uses);
    this.committer = new Committer(deps, uses, this.lifecycle.pauses);
  }

  /** Adopts what runs, finishes what a crash cut short, and watches from then on. */
  async open(): Promise<void> {
    const { deps, starter, lifecycle, remover, updater, ports, hooks } = this;
    this.watch.begin();
    // Also of containers that are down a rest may not have been sent yet.
    for (const entry of deps.registry.all()) this.shipping.begin(entry, { ended: !isUp(entry.record) });
    await recover(deps, { registry: deps.registry, starter, lifecycle, remover, updater, ports, hooks });
  }

  /** Stops watching and ends copies; containers run on. */
  async close(): Promise<void> {
    this.watch.end();
    this.rotation.close();
    await this.shipping.close();
    this.stats.close();
    const entries = this.deps.registry.all();
    for (const entry of entries) {
      this.health.end(entry);
      entry.cancelRestart?.();
    }
    await Promise.all(entries.map((entry) => entry.endUses().then(() => entry.lock.run(async () => {}))));
  }

  find(reference: string): ContainerEntry {
    return this.deps.registry.find(reference);
  }

  all(): ContainerRecord[] {
    return this.deps.registry.all().map((entry) => entry.record);
  }

  async create(request: CreateRequest): Promise<{ id: string; warnings: string[] }> {
    const { entry, warnings } = await createContainer(this.deps, request, this.deps.hostHostname);
    return { id: entry.id, warnings };
  }

  /** `checkpoint`: goes on from there. */
  async start(reference: string, checkpoint?: { name: string; folder?: string }): Promise<void> {
    const entry = this.find(reference);
    const folder = checkpoint && (await this.checkpoints.find(entry, checkpoint.name, checkpoint.folder));
    await this.lifecycle.start(entry, folder);
  }

  stop(reference: string, options: { seconds?: number; signal?: string }): Promise<void> {
    return this.lifecycle.stop(this.find(reference), options);
  }

  async kill(reference: string, signal: string): Promise<void> {
    try {
      await this.lifecycle.kill(this.find(reference), signal);
    } catch (error) {
      throw isGantryError(error, "BAD_SIGNAL") ? error : prefixed(`cannot kill container: ${reference}`, error);
    }
  }

  restart(reference: string, options: { seconds?: number; signal?: string }): Promise<string | undefined> {
    return this.lifecycle.restart(this.find(reference), options);
  }

  pause(reference: string): Promise<void> {
    return this.lifecycle.pauses.pause(this.find(reference));
  }

  unpause(reference: string): Promise<void> {
    return this.lifecycle.pauses.unpause(this.find(reference));
  }

  remove(reference: string, options: RemoveOptions): Promise<void> {
    return this.remover.remove(this.find(reference), options, this.lifecycle);
  }

  /** Takes a link away, "parent/alias". Throws notFound, conflict LINK_IS_NAME in Docker's words. */
  removeLink(name: string): void {
    removeLink(this.deps, name);
  }

  /** Links as inspect shows them, and the names that others' links give to it. */
  linksOf(record: ContainerRecord): { links: string[]; names: string[] } {
    const { registry } = this.deps;
    return { links: shownLinks(record, registry), names: linkNames(record, registry) };
  }

  /** Limits and the restart policy; returns warnings. */
  update(reference: string, change: HostConfig): Promise<string[]> {
    return this.updater.update(this.find(reference), change);
  }

  rename(reference: string, name: string): void {
    const entry = this.find(reference);
    if (name === "") throw new GantryError("invalid", "BAD_NAME", "Neither old nor new names may be empty");
    const bare = name.replace(/^\//, "");
    const oldName = entry.record.name;
    if (bare === oldName) {
      throw new GantryError("invalid", "SAME_NAME", "Renaming a container with the same name as its current name");
    }
    try {
      requireContainerName(`/${bare}`);
      this.deps.registry.rename(entry, bare);
    } catch (error) {
      throw prefixed("Error when allocating new name", error);
    }
    this.deps.networking.rename(entry.id, bare);
    this.deps.publish(entry, "rename", { oldName: `/${oldName}` });
  }

  list(query: ListQuery): ContainerRecord[] {
    const containers = this.all().toSorted((a, b) => (a.created < b.created ? 1 : -1));
    return listContainers(
      {
        containers,
        find: (reference) => this.find(reference).record,
        imageMatches: (record, reference) => this.descendsFrom(record, reference),
      },
      query,
    );
  }

  private descendsFrom(record: ContainerRecord, reference: string): boolean {
    try {
      const image = this.deps.images.resolve(reference);
      if (image.id === record.imageId) return true;
      const own = this.deps.images.resolve(record.imageId);
      const top = image.chain[image.chain.length - 1];
      return top !== undefined && own.chain.includes(top);
    } catch {
      return false;
    }
  }

  /** Settles with the exit code; rejects only if the signal aborts. Waiting for a container that is down ends at once. */
  wait(reference: string, condition: WaitCondition, signal: AbortSignal): Promise<number> {
    const entry = this.find(reference);
    return new Promise((resolve, reject) => {
      const { state } = entry.record;
      const over = !isUp(entry.record) && state.status !== "restarting" && state.intent !== "teardown";
      if (condition === "not-running" && over) {
        resolve(state.exitCode);
        return;
      }
      const chosen = condition === "removed" ? entry.removed : entry.exited;
      const forget = chosen.once(resolve);
      signal.addEventListener(
        "abort",
        () => {
          forget();
          reject(new GantryError("canceled", "CANCELED", "context canceled"));
        },
        { once: true },
      );
    });
  }

  checkAttach(reference: string, detachKeys?: string): ContainerEntry {
    const entry = this.find(reference);
    this.attacher.check(entry, detachKeys);
    return entry;
  }

  attach(entry: ContainerEntry, client: ClientStream, options: AttachOptions): Promise<void> {
    return this.attacher.attach(entry, client, options);
  }

  /** Throws conflict when the container does not run. */
  resize(reference: string, size: { height: number; width: number }): void {
    const entry = this.find(reference);
    requireRunning(entry);
    this.deps.monitor.resize(this.deps.files.paths(entry.id).bundle, size);
    this.deps.publish(entry, "resize", { height: String(size.height), width: String(size.width) });
  }

  /** Throws when the log driver keeps nothing to read. */
  logs(reference: string, query: LogQuery): AsyncIterable<LogEntry> {
    const entry = this.find(reference);
    const { Type: driver = "", Config: options = {} } = entry.record.hostConfig.LogConfig ?? {};
    if (driver === "none" || !logKeeping(driver, options).readable) {
      throw new GantryError("notImplemented", "NO_LOG", "configured logging driver does not support reading");
    }
    return this.deps.logs.read(this.deps.files.paths(entry.id).log, {
      ...query,
      ended: () => !isUp(entry.record) && entry.record.state.status !== "restarting",
      onEnd: (wake) => {
        const forget = [entry.exited.once(wake), entry.removed.once(wake)];
        return () => {
          for (const takeBack of forget) takeBack();
        };
      },
    });
  }

  /** `docker top`: pids of all processes in the container, as the host sees them. */
  pids(reference: string): number[] {
    const entry = this.find(reference);
    requireRunning(entry);
    const pids = this.deps.cgroups.pids(cgroupsPathOf(entry.record));
    this.deps.publish(entry, "top");
    return pids;
  }

  async changes(reference: string): Promise<Awaited<ReturnType<ContainerDeps["layers"]["changes"]>>> {
    const { id } = this.find(reference);
    if (!this.deps.layers.listWorkspaces().includes(id)) return []; // it never ran
    return this.deps.layers.changes(id, RUNTIME_STUBS);
  }

  stat(reference: string, path: string, signal: AbortSignal): Promise<PathInfo> {
    return this.copies.stat(this.find(reference), reference, path, signal);
  }

  /** The tar is the caller's to read to its end or to destroy. */
  read(reference: string, path: string, signal: AbortSignal): Promise<{ info: PathInfo; tar: Readable }> {
    return this.copies.read(this.find(reference), reference, path, signal);
  }

  write(
    reference: string,
    path: string,
    tar: Readable,
    options: WriteOptions & { signal: AbortSignal },
  ): Promise<void> {
    return this.copies.write(this.find(reference), reference, path, tar, options);
  }

  export(reference: string, signal: AbortSignal): Promise<Readable> {
    return this.copies.export(this.find(reference), signal);
  }

  commit(reference: string, request: CommitRequest, signal: AbortSignal): Promise<string> {
    return this.committer.commit(this.find(reference), request, signal);
  }

  /** Where its tree lies on the host. */
  folders({ id, chainId }: ContainerRecord): WorkspaceFolders {
    return this.deps.layers.folders(id, chainId);
  }

  async sizes(record: ContainerRecord): Promise<{ rw: number; rootFs: number }> {
    const known = this.deps.layers.listWorkspaces().includes(record.id);
    const image = this.deps.images.resolve(record.imageId).size;
    const use = known ? await this.deps.layers.diskUse(record.id) : { rw: 0 };
    return { rw: use.rw, rootFs: image + use.rw };
  }

  /** Removes containers that are down. */
  async prune(filters: Map<string, string[]>): Promise<{ deleted: string[]; reclaimed: number }> {
    for (const key of filters.keys()) {
      if (!["label", "label!", "until"].includes(key)) {
        throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${key}'`);
      }
    }
    const [untilText, another] = filters.get("until") ?? [];
    if (another !== undefined) {
      throw new GantryError("invalid", "BAD_FILTERS", "more than one until filter specified");
    }
    const until = untilText === undefined ? undefined : parseTimestamp(untilText, this.deps.clock.now()) / 1_000_000n;
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const entry of this.deps.registry.all()) {
      const { record } = entry;
      const labels = record.config.Labels ?? {};
      if (isUp(record) || record.state.status === "restarting") continue;
      if (until !== undefined && Date.parse(record.created) > until) continue;
      if (!(filters.get("label") ?? []).every((label) => hasLabel(labels, label))) continue;
      if ((filters.get("label!") ?? []).some((label) => hasLabel(labels, label))) continue;
      reclaimed += (await this.sizes(record)).rw;
      await this.remover.remove(entry, {}, this.lifecycle);
      deleted.push(entry.id);
    }
    this.deps.onPruned(reclaimed);
    return { deleted, reclaimed };
  }
}
