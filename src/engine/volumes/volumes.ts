import { GantryError } from "../../base/errors.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { CommitOptions, StateStore } from "../../ports/state-store.ts";
import type { VolumeFiles } from "../../ports/volume-files.ts";
import { booleanFilter, checkFilterNames, type Filters, matchesLabels, matchesList } from "./volume-filters.ts";
import {
  ANONYMOUS_LABEL,
  checkVolumeName,
  checkVolumeOptions,
  isAnonymous,
  mountOptionsOf,
  VOLUMES,
  type VolumeRecord,
} from "./volume-record.ts";

export interface VolumesDeps {
  state: StateStore;
  files: VolumeFiles;
  clock: Clock;
  ids: Ids;
  events: { publish(type: string, action: string, actorId: string, attributes: Record<string, string>): void };
  /** Ids of containers, running or not, that refer to a volume. */
  usage: { containersUsing(volumeName: string): string[] };
}

export interface VolumeRequest {
  /** Absent or "": an anonymous volume with a name of 64 hex digits. */
  name?: string;
  driver?: string;
  options?: Record<string, string>;
  labels?: Record<string, string>;
  /** The container that wants it; only an anonymous one remembers. */
  madeFor?: string;
}

export interface PruneResult {
  deleted: string[];
  /** Bytes. */
  reclaimed: number;
}

const noSuchVolume = (name: string): GantryError =>
  new GantryError("notFound", "NO_SUCH_VOLUME", `get ${name}: no such volume`);

const LIST_FILTERS = ["dangling", "driver", "label", "name"];
const PRUNE_FILTERS = ["label", "label!", "all"];

/** Named places for data that outlive containers. The index decides what exists; folders follow. */
export class Volumes {
  private readonly deps: VolumesDeps;

  constructor(deps: VolumesDeps) {
    this.deps = deps;
  }

  /** Finishes removals that were cut short, and takes in folders that the index does not know: data is never dropped. */
  async recover(): Promise<void> {
    for (const [, record] of this.deps.state.list<VolumeRecord>(VOLUMES)) {
      if (record.intent === "remove") await this.finishRemoval(record);
    }
    for (const name of this.deps.files.list()) {
      if (this.find(name) === undefined) this.save(this.newRecord(name, {}, {}));
    }
  }

  /** A volume that exists is given back as it is. Throws invalid (name, options), notFound NO_SUCH_DRIVER. */
  create(request: VolumeRequest): VolumeRecord {
    const driver = request.driver || "local";
    const name = request.name || this.deps.ids.id();
    if (driver !== "local") {
      const why = `error looking up volume plugin ${driver}: plugin "${driver}" not found`;
      throw new GantryError("notFound", "NO_SUCH_DRIVER", `create ${name}: ${why}`);
    }
    const existing = this.find(name);
    if (existing !== undefined && existing.intent === undefined) return existing;
    if (existing !== undefined) {
      throw new GantryError("conflict", "VOLUME_GOING", `create ${name}: the volume is being removed`);
    }
    checkVolumeName(name);
    const options = request.options ?? {};
    checkVolumeOptions(name, options);
    const labels = { ...request.labels, ...(!request.name && { [ANONYMOUS_LABEL]: "" }) };
    const { madeFor } = request;
    const record = { ...this.newRecord(name, labels, options), ...(!request.name && madeFor ? { madeFor } : {}) };
    this.save(record);
    this.deps.files.create(name);
    this.deps.events.publish("volume", "create", name, { driver: record.driver });
    return record;
  }

  /** Throws notFound NO_SUCH_VOLUME. */
  get(name: string): VolumeRecord {
    const record = this.find(name);
    if (record === undefined || record.intent !== undefined) throw noSuchVolume(name);
    return record;
  }

  /** By name. Filters: dangling, driver, label, name. */
  list(filters: Filters = new Map()): VolumeRecord[] {
    checkFilterNames(filters, LIST_FILTERS);
    return this.present()
      .filter((record) => matchesList(record, filters, (name) => this.users(name).length > 0))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Names of the anonymous volumes made for a container, also if it never came to know of them. */
  madeFor(containerId: string): string[] {
    return this.present().flatMap((record) => (record.madeFor === containerId ? [record.name] : []));
  }

  mountpoint(name: string): string {
    return this.deps.files.dataPath(name);
  }

  /** Size in bytes and how many containers refer to it. */
  async usage(name: string): Promise<{ size: number; references: number }> {
    return { size: await this.deps.files.size(name), references: this.users(name).length };
  }

  /**
   * Throws notFound (not with `force`), conflict VOLUME_IN_USE in Docker's words. `goingWith`: a container that is being
   * removed and counts no more.
   */
  async remove(name: string, options: { force?: boolean; goingWith?: string } = {}): Promise<void> {
    const record = this.find(name);
    if (record === undefined) {
      if (options.force) return;
      throw noSuchVolume(name);
    }
    const users = this.users(name).filter((id) => id !== options.goingWith);
    if (users.length > 0) {
      throw new GantryError("conflict", "VOLUME_IN_USE", `remove ${name}: volume is in use - [${users.join(", ")}]`, {
        hint: "remove these containers first",
        details: { containers: users },
      });
    }
    this.save({ ...record, intent: "remove" }, { ending: true });
    await this.finishRemoval(record);
    this.deps.events.publish("volume", "destroy", name, { driver: record.driver });
  }

  /** Unused anonymous volumes; with the filter all=true the named ones too. Filters: label, label!, all. */
  async prune(filters: Filters = new Map()): Promise<PruneResult> {
    checkFilterNames(filters, PRUNE_FILTERS);
    const all = booleanFilter(filters, "all") ?? false;
    const result: PruneResult = { deleted: [], reclaimed: 0 };
    for (const record of this.present()) {
      if (!(all || isAnonymous(record)) || !matchesLabels(record, filters) || this.users(record.name).length > 0)
        continue;
      const size = await this.deps.files.size(record.name);
      try {
        await this.remove(record.name);
      } catch (error) {
        // a container may have taken it while the others were removed
        if (error instanceof GantryError && ["conflict", "notFound"].includes(error.kind)) continue;
        throw error;
      }
      result.deleted.push(record.name);
      result.reclaimed += size;
    }
    this.deps.events.publish("volume", "prune", "", { reclaimed: String(result.reclaimed) });
    return result;
  }

  /**
   * Makes the volume ready for a container that starts and returns its path on the host. One with options is mounted
   * for as long as any container uses it. Repeatable. Throws notFound, invalid VOLUME_MOUNT_FAILED.
   */
  use(name: string, containerId: string, where: { destination: string; readOnly: boolean }): string {
    const record = this.get(name);
    const options = mountOptionsOf(record);
    if (options === undefined) this.deps.files.create(name);
    else {
      this.save({ ...record, mountedFor: [...new Set([...(record.mountedFor ?? []), containerId])] });
      this.deps.files.mount(name, options);
    }
    this.deps.events.publish("volume", "mount", name, {
      driver: record.driver,
      container: containerId,
      destination: where.destination,
      "read/write": String(!where.readOnly),
      propagation: "",
    });
    return this.mountpoint(name);
  }

  /** The container has ended. Repeatable; a volume that is gone is fine. */
  release(name: string, containerId: string): void {
    const record = this.find(name);
    if (record === undefined) return;
    if (mountOptionsOf(record) !== undefined) {
      const mountedFor = (record.mountedFor ?? []).filter((id) => id !== containerId);
      this.save({ ...record, mountedFor });
      if (mountedFor.length === 0) this.deps.files.unmount(name);
    }
    this.deps.events.publish("volume", "unmount", name, { driver: record.driver, container: containerId });
  }

  /** Fills an empty volume from the image's folder at `path` below `rootfs`, for the container that starts with it. */
  async copyUp(name: string, rootfs: string, path: string, containerId: string): Promise<void> {
    const shared = this.users(name).some((id) => id !== containerId);
    await this.deps.files.copyUp(name, rootfs, path, shared);
  }

  /** The real path of a subfolder. Throws invalid NO_SUCH_SUBPATH. */
  subpath(name: string, subpath: string): string {
    return this.deps.files.subpath(name, subpath);
  }

  private find(name: string): VolumeRecord | undefined {
    return this.deps.state.get<VolumeRecord>(VOLUMES, name);
  }

  private present(): VolumeRecord[] {
    return this.deps.state
      .list<VolumeRecord>(VOLUMES)
      .map(([, record]) => record)
      .filter((record) => record.intent === undefined);
  }

  private users(name: string): string[] {
    return this.deps.usage.containersUsing(name);
  }

  private newRecord(name: string, labels: Record<string, string>, options: Record<string, string>): VolumeRecord {
    return { name, driver: "local", created: this.deps.clock.stamp(), labels, options };
  }

  private save(record: VolumeRecord, options?: CommitOptions): void {
    this.deps.state.commit([{ bucket: VOLUMES, key: record.name, value: record }], options);
  }

  private async finishRemoval(record: VolumeRecord): Promise<void> {
    await this.deps.files.remove(record.name);
    this.deps.state.commit([{ bucket: VOLUMES, key: record.name, value: undefined }]);
  }
}
