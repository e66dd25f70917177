import { GantryError } from "../../base/errors.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { CommitOptions, StateStore } from "../../ports/state-store.ts";
import type { VolumeFiles } from "../../ports/volume-files.ts";
import { VolumeClaims } from "./claims.ts";
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

/** Before the number of a holder that is no container. */
const OWN_HOLDER = "engine:";
const isOwnHolder = (holder: string): boolean => holder.startsWith(OWN_HOLDER);

const LIST_FILTERS = ["dangling", "driver", "label", "name"];
const PRUNE_FILTERS = ["label", "label!", "all"];

/** Named places for data that outlive containers. The index decides what exists; folders follow. */
export class Volumes {
  /** What the engine itself does with volumes. */
  readonly claims = new VolumeClaims();
  private lastHolder = 0;
  private readonly deps: VolumesDeps;

  constructor(deps: VolumesDeps) {
    this.deps = deps;
  }

  /** Finishes removals that were cut short, and takes in folders that the index does not know: data is never dropped. */
  async recover(): Promise<void> {
    for (const [, record] of this.deps.state.list<VolumeRecord>(VOLUMES)) {
      if (record.intent !== undefined) await this.finishRemoval(record);
      else if (record.mountedFor?.some(isOwnHolder)) this.letGo(record, isOwnHolder);
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
      const doing = existing.intent === "fill" ? "filled" : "removed";
      throw new GantryError("conflict", "VOLUME_GOING", `create ${name}: the volume is being ${doing}`);
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

  /** A volume that nobody sees until `finish`. Throws invalid BAD_VOLUME_NAME, conflict VOLUME_EXISTS. */
  begin(name: string, labels: Record<string, string>): void {
    checkVolumeName(name);
    if (this.find(name) !== undefined) {
      throw new GantryError("conflict", "VOLUME_EXISTS", `a volume named ${name} already exists`);
    }
    this.save({ ...this.newRecord(name, labels, {}), intent: "fill" });
  }

  /** What was begun and is complete now. */
  finish(name: string): VolumeRecord {
    const { intent: _, ...record } = this.find(name)!;
    this.save(record);
    this.publish(name, "create");
    return record;
  }

  /** What was begun and came to nothing. */
  async abandon(name: string): Promise<void> {
    await this.finishRemoval(this.find(name)!);
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
    this.claims.requireFree(name);
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
    this.hold(this.noteUse(record, containerId), containerId);
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
    this.letGo(this.noteUse(record, containerId), (id) => id === containerId);
    this.deps.events.publish("volume", "unmount", name, { driver: record.driver, container: containerId });
  }

  /**
   * For the engine's own work: the data's path on the host, mounted where it has to be, until `close`. Meanwhile the volume
   * can be neither removed nor replaced. Throws as `use`, conflict VOLUME_BUSY.
   */
  open(name: string, doing: string): { path: string; close(): void } {
    const record = this.get(name);
    const endClaim = this.claims.share(name, doing);
    const holder = `${OWN_HOLDER}${++this.lastHolder}`;
    const close = (): void => {
      this.letGo(this.get(name), (id) => id === holder);
      endClaim();
    };
    try {
      this.hold(record, holder);
    } catch (error) {
      close();
      throw error;
    }
    return { path: this.mountpoint(name), close };
  }

  private hold(record: VolumeRecord, holder: string): void {
    const options = mountOptionsOf(record);
    if (options === undefined) this.deps.files.create(record.name);
    else {
      this.save({ ...record, mountedFor: [...new Set([...(record.mountedFor ?? []), holder])] });
      this.deps.files.mount(record.name, options);
    }
  }

  private letGo(record: VolumeRecord, whom: (holder: string) => boolean): void {
    if (mountOptionsOf(record) === undefined) return;
    const mountedFor = (record.mountedFor ?? []).filter((id) => !whom(id));
    this.save({ ...record, mountedFor });
    if (mountedFor.length === 0) this.deps.files.unmount(record.name);
  }

  /** Unsynced: the start or end that it belongs to is synced before anybody is told. */
  private noteUse(record: VolumeRecord, container: string): VolumeRecord {
    const noted = { ...record, lastUse: { at: this.deps.clock.stamp(), container } };
    this.save(noted, { sync: false, ending: true });
    return noted;
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

  publish(name: string, action: string, attributes: Record<string, string> = {}): void {
    this.deps.events.publish("volume", action, name, { driver: this.get(name).driver, ...attributes });
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
