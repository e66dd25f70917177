import { GantryError, messageOf } from "../../base/errors.ts";
import { KeyedMutex } from "../../base/mutex.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { VolumeFiles } from "../../ports/volume-files.ts";
import type { VolumePlugins } from "../../ports/volume-plugins.ts";
import type { Logger } from "../../ports/logger.ts";
import { VolumeClaims } from "./claims.ts";
import { MountedVolumes } from "./mounted-volumes.ts";
import { type KeptVolume, PluginVolumes } from "./plugin-volumes.ts";
import { booleanFilter, checkFilterNames, type Filters, matchesLabels, matchesList } from "./volume-filters.ts";
import {
  ANONYMOUS_LABEL,
  checkVolumeName,
  isAnonymous,
  LOCAL,
  type Volume,
  type VolumeRecord,
} from "./volume-record.ts";
import { noSuchVolume, VolumeMaker } from "./volume-maker.ts";
import { VolumeRecords } from "./volume-records.ts";
import { type ContainerFacts, VolumeReferences } from "./volume-references.ts";

export interface VolumesDeps {
  state: StateStore;
  files: VolumeFiles;
  plugins: VolumePlugins;
  clock: Clock;
  ids: Ids;
  events: { publish(type: string, action: string, actorId: string, attributes: Record<string, string>): void };
  containers: ContainerFacts;
  logger: Logger;
}

export interface VolumeRequest {
  /** Absent or "": an anonymous volume with a name of 64 hex digits. */
  name?: string;
  /** Absent or "": whoever has a volume of this name, or else the local driver. */
  driver?: string;
  options?: Record<string, string>;
  labels?: Record<string, string>;
  /** The container that wants it. It counts as a user from now on; an anonymous volume remembers it for good. */
  madeFor?: string;
}

export interface PruneResult {
  deleted: string[];
  /** Bytes. */
  reclaimed: number;
}

const LIST_FILTERS = ["dangling", "driver", "label", "name"];
const PRUNE_FILTERS = ["label", "label!", "all"];

const byName = (a: Volume, b: Volume): number => (a.record.name < b.record.name ? -1 : 1);

/**
 * Named places for data that outlive containers. Of the local driver's the index decides what exists, and folders
 * follow; of a plugin's the plugin does.
 */
export class Volumes {
  /** What the engine itself does with volumes. */
  readonly claims = new VolumeClaims();
  private readonly deps: VolumesDeps;
  private readonly records: VolumeRecords;
  private readonly plugins: PluginVolumes;
  private readonly mounted: MountedVolumes;
  private readonly references: VolumeReferences;
  private readonly maker: VolumeMaker;
  /** Making, mounting, filling and removing one volume are one at a time. */
  private readonly locks = new KeyedMutex();

  constructor(deps: VolumesDeps) {
    this.deps = deps;
    this.records = new VolumeRecords(deps.state);
    this.plugins = new PluginVolumes(deps.plugins);
    this.mounted = new MountedVolumes(this.records, deps.files, this.plugins);
    this.references = new VolumeReferences(deps.containers);
    const { files, clock } = deps;
    const { records, plugins, references } = this;
    this.maker = new VolumeMaker({ records, files, plugins, references, clock });
  }

  /**
   * Finishes removals that were cut short, takes in folders that the index does not know (data is never dropped), and
   * unmounts what was mounted for containers that are `alive` no more.
   */
  async recover(alive: (containerId: string) => boolean): Promise<void> {
    for (const record of this.records.all()) {
      if (record.intent !== undefined) await this.maker.finishRemoval(record);
    }
    for (const name of this.deps.files.list()) {
      if (this.records.find(name) === undefined) this.records.save(this.maker.newRecord(name, LOCAL));
    }
    // plugins may take their time
    for (const { record, user } of this.mounted.sweep(alive)) this.endOwnUse(record.name, user);
  }

  /**
   * A volume that exists is given back as it is. Throws invalid (name, options), notFound NO_SUCH_DRIVER, conflict
   * VOLUME_OF_ANOTHER, and what a plugin fails with.
   */
  create(request: VolumeRequest): Promise<VolumeRecord> {
    const name = request.name || this.deps.ids.id();
    return this.locks.run(name, async () => {
      const record =
        (await this.maker.known(name, request.driver)) ??
        (request.name && !request.driver ? await this.adopt(name) : undefined) ??
        (await this.make(name, request));
      if (request.madeFor !== undefined) this.references.promise(name, request.madeFor);
      return record;
    });
  }

  private async make(
    name: string,
    { name: given, driver, labels, options = {}, madeFor }: VolumeRequest,
  ): Promise<VolumeRecord> {
    const record = await this.maker.make(name, driver || LOCAL, {
      labels: { ...labels, ...(!given && { [ANONYMOUS_LABEL]: "" }) },
      options,
      ...(!given && madeFor ? { madeFor } : {}),
    });
    this.publish(name, "create");
    return record;
  }

  /** A local volume that nobody sees until `finish`. Throws invalid BAD_VOLUME_NAME, conflict VOLUME_EXISTS. */
  begin(name: string, labels: Record<string, string>): void {
    checkVolumeName(name);
    this.records.add({ ...this.maker.newRecord(name, LOCAL), labels, intent: "fill" });
  }

  /** What was begun and is complete now. */
  finish(name: string): VolumeRecord {
    const { intent: _, ...record } = this.records.find(name)!;
    this.records.save(record);
    this.publish(name, "create");
    return record;
  }

  /** What was begun and came to nothing. */
  async abandon(name: string): Promise<void> {
    await this.maker.finishRemoval(this.records.find(name)!);
  }

  /** What is on record. Throws notFound NO_SUCH_VOLUME. */
  get(name: string): VolumeRecord {
    const record = this.records.find(name);
    if (record === undefined || record.intent !== undefined) throw noSuchVolume(name);
    return record;
  }

  /** Throws notFound NO_SUCH_VOLUME, and what a plugin fails with. */
  async inspect(name: string): Promise<Volume> {
    const record = this.records.find(name);
    if (record?.intent !== undefined) throw noSuchVolume(name);
    if (record?.driver === LOCAL) return this.shown(record);
    const kept = record === undefined ? await this.plugins.search(name) : await this.plugins.get(record.driver, name);
    if (kept === undefined) throw noSuchVolume(name);
    return this.shownAs(kept);
  }

  /**
   * By name. Filters: dangling, driver, label, name. Of a plugin that does not answer it has what is on record, and there
   * is a warning.
   */
  async list(filters: Filters = new Map()): Promise<{ volumes: Volume[]; warnings: string[] }> {
    checkFilterNames(filters, LIST_FILTERS);
    const before = this.records.present();
    const { kept, answered, warnings } = await this.plugins.list();
    const theirs = new Set(kept.map(({ volume }) => volume.name));
    for (const { name, driver } of before) {
      // gone behind our back
      if (answered.has(driver) && !theirs.has(name) && this.references.of(name).length === 0) this.records.forget(name);
    }
    const known = this.records.present().filter(({ driver }) => !answered.has(driver));
    const taken = new Set(known.map(({ name }) => name));
    const free = kept.filter(({ volume }) => !taken.has(volume.name));
    const volumes = [...known.map((record) => this.shown(record)), ...free.map((one) => this.shownAs(one))]
      .filter(({ record }) => matchesList(record, filters, (name) => this.references.of(name).length > 0))
      .toSorted(byName);
    return { volumes, warnings };
  }

  /** By name: those whose files are this engine's alone, neither a plugin's nor mounted from elsewhere. */
  plain(): Volume[] {
    return this.records
      .present()
      .filter(({ driver, options }) => driver === LOCAL && Object.keys(options).length === 0)
      .map((record) => this.shown(record))
      .toSorted(byName);
  }

  /** Names of the drivers there are. */
  async drivers(): Promise<string[]> {
    return [LOCAL, ...(await this.plugins.names())].toSorted();
  }

  /** Names of the anonymous volumes made for a container, also if it never came to know of them. */
  madeFor(containerId: string): string[] {
    return this.records.present().flatMap((record) => (record.madeFor === containerId ? [record.name] : []));
  }

  /** Its folder on the host, whether it exists or not; "" for a plugin's that was never mounted. */
  mountpoint(name: string): string {
    const record = this.records.find(name);
    return record === undefined ? this.deps.files.dataPath(name) : this.mounted.folderOf(record);
  }

  /** Size in bytes and how many containers refer to it. */
  async usage(name: string): Promise<{ size: number; references: number }> {
    return { size: await this.deps.files.size(name), references: this.references.of(name).length };
  }

  /**
   * Throws notFound (not with `force`), conflict VOLUME_IN_USE in Docker's words. `goingWith`: a container that is being
   * removed and counts no more. With `force` a volume whose plugin is gone is forgotten.
   */
  remove(name: string, options: { force?: boolean; goingWith?: string } = {}): Promise<void> {
    return this.locks.run(name, async () => {
      const record = this.records.find(name) ?? (await this.keptBySome(name));
      if (record === undefined) {
        if (options.force) return;
        throw noSuchVolume(name);
      }
      this.claims.requireFree(name);
      const users = this.references.of(name).filter((id) => id !== options.goingWith);
      if (users.length > 0) {
        throw new GantryError("conflict", "VOLUME_IN_USE", `remove ${name}: volume is in use - [${users.join(", ")}]`, {
          hint: "remove these containers first",
          details: { containers: users },
        });
      }
      await this.maker.remove(record, options.force ?? false);
      this.deps.events.publish("volume", "destroy", name, { driver: record.driver });
    });
  }

  /** Unused anonymous volumes; with the filter all=true the named ones too. Filters: label, label!, all. */
  async prune(filters: Filters = new Map()): Promise<PruneResult> {
    checkFilterNames(filters, PRUNE_FILTERS);
    const all = booleanFilter(filters, "all") ?? false;
    const result: PruneResult = { deleted: [], reclaimed: 0 };
    for (const { record } of this.plain()) {
      if (
        !(all || isAnonymous(record)) ||
        !matchesLabels(record, filters) ||
        this.references.of(record.name).length > 0
      )
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
   * for as long as any container uses it, a plugin's by the plugin. Repeatable. Throws notFound, invalid
   * VOLUME_MOUNT_FAILED, and what a plugin fails with.
   */
  use(name: string, containerId: string, where: { destination: string; readOnly: boolean }): Promise<string> {
    return this.locks.run(name, async () => {
      const folder = await this.mounted.mount(this.noteUse(this.get(name), containerId), containerId);
      this.publish(name, "mount", {
        container: containerId,
        destination: where.destination,
        "read/write": String(!where.readOnly),
        propagation: "",
      });
      return folder;
    });
  }

  /** The container has ended. Repeatable; a volume that is gone is fine. Throws what a plugin fails with. */
  release(name: string, containerId: string): Promise<void> {
    return this.locks.run(name, async () => {
      const record = this.records.find(name);
      if (record === undefined) return;
      try {
        await this.mounted.unmount(this.noteUse(record, containerId), containerId);
      } finally {
        this.deps.events.publish("volume", "unmount", name, { driver: record.driver, container: containerId });
      }
    });
  }

  /** Unsynced: the start or end that it belongs to is synced before anybody is told. */
  private noteUse(record: VolumeRecord, container: string): VolumeRecord {
    const noted = { ...record, lastUse: { at: this.deps.clock.stamp(), container } };
    this.records.save(noted, { sync: false, ending: true });
    return noted;
  }

  /**
   * For the engine's own work: the data's path on the host, mounted where it has to be, until `close`. Meanwhile the volume
   * can be neither removed nor replaced. Throws as `use`, conflict VOLUME_BUSY.
   */
  async open(name: string, doing: string): Promise<{ path: string; close(): void }> {
    await this.known(name);
    const endClaim = this.claims.share(name, doing);
    const user = this.mounted.newOwnUser();
    const close = (): void => {
      this.endOwnUse(name, user);
      endClaim();
    };
    try {
      const path = await this.locks.run(name, () => this.mounted.mount(this.get(name), user));
      return { path, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  private endOwnUse(name: string, user: string): void {
    const ended = this.locks.run(name, () => this.mounted.unmount(this.get(name), user));
    ended.catch((error: unknown) => {
      this.deps.logger.warn("unmounting a volume", { volume: name, error: messageOf(error) });
    });
  }

  publish(name: string, action: string, attributes: Record<string, string> = {}): void {
    this.deps.events.publish("volume", action, name, { driver: this.get(name).driver, ...attributes });
  }

  /** Fills an empty volume from the image's folder at `path` below `rootfs`, for a container that uses it already. */
  copyUp(name: string, rootfs: string, path: string, containerId: string): Promise<void> {
    return this.locks.run(name, async () => {
      const shared = this.references.of(name).some((id) => id !== containerId);
      await this.deps.files.copyUp({ name, folder: this.mountpoint(name) }, rootfs, path, shared);
    });
  }

  /** The real path of a subfolder of a volume in use. Throws invalid NO_SUCH_SUBPATH. */
  subpath(name: string, subpath: string): string {
    return this.deps.files.subpath(this.mountpoint(name), subpath);
  }

  private shown(record: VolumeRecord): Volume {
    return { record, mountpoint: this.mounted.folderOf(record), scope: "local" };
  }

  private shownAs({ plugin, volume }: KeptVolume): Volume {
    const { name, mountpoint, created, status } = volume;
    const known = this.records.find(name) ?? { ...this.maker.newRecord(name, plugin.name), created: "" };
    const record = { ...known, created: created ?? known.created };
    return { record, mountpoint, scope: plugin.scope, ...(status && { status }) };
  }

  /** What a record of it would be. */
  private async keptBySome(name: string): Promise<VolumeRecord | undefined> {
    const kept = await this.plugins.search(name);
    return kept && this.shownAs(kept).record;
  }

  private known(name: string): Promise<VolumeRecord> {
    return this.locks.run(name, async () => {
      const record = this.records.find(name) ?? (await this.adopt(name));
      if (record === undefined || record.intent !== undefined) throw noSuchVolume(name);
      return record;
    });
  }

  /** Takes a volume on record that a plugin has made by itself. */
  private async adopt(name: string): Promise<VolumeRecord | undefined> {
    const record = await this.keptBySome(name);
    if (record !== undefined) this.records.add(record);
    return record;
  }
}
