import type { VolumeFiles } from "../../ports/volume-files.ts";
import type { PluginVolumes } from "./plugin-volumes.ts";
import { LOCAL, mountOptionsOf, type VolumeRecord } from "./volume-record.ts";
import type { VolumeRecords } from "./volume-records.ts";

/** Before the number of a user that is no container. */
const OWN_USER = "engine:";
const isOwnUser = (user: string): boolean => user.startsWith(OWN_USER);

/**
 * For whom volumes are mounted: containers, and the engine's own work. Each is on record before its mount is made and
 * until it is gone, so that what a crash left can be found.
 */
export class MountedVolumes {
  private readonly records: VolumeRecords;
  private readonly files: VolumeFiles;
  private readonly plugins: PluginVolumes;
  private lastOwnUser = 0;

  constructor(records: VolumeRecords, files: VolumeFiles, plugins: PluginVolumes) {
    this.records = records;
    this.files = files;
    this.plugins = plugins;
  }

  /** "" for a plugin's that was never mounted. */
  folderOf({ name, driver, mountpoint = "" }: VolumeRecord): string {
    return driver === LOCAL ? this.files.dataPath(name) : mountpoint;
  }

  newOwnUser(): string {
    return `${OWN_USER}${++this.lastOwnUser}`;
  }

  /** Gives the volume's folder. Repeatable. */
  async mount(record: VolumeRecord, user: string): Promise<string> {
    const { name, driver, mountedFor = [] } = record;
    const options = mountOptionsOf(record);
    const mounted = { ...record, mountedFor: [...new Set([...mountedFor, user])] };
    if (driver !== LOCAL) {
      if (record.mountpoint && mountedFor.includes(user)) return record.mountpoint;
      this.records.save(mounted);
      const mountpoint = await this.plugins.mount(driver, name, user);
      this.records.save({ ...mounted, mountpoint });
      return mountpoint;
    }
    if (options === undefined) this.files.create(name);
    else {
      this.records.save(mounted);
      await this.files.mount(name, options);
    }
    return this.folderOf(record);
  }

  /** Repeatable. A plugin that fails is told of, and the user counts no more. */
  async unmount(record: VolumeRecord, user: string): Promise<void> {
    const { mountedFor: before = [] } = record;
    const mountedFor = before.filter((id) => id !== user);
    if (record.driver === LOCAL) return this.keep(record, mountedFor);
    if (mountedFor.length === before.length) return;
    try {
      await this.plugins.unmount(record.driver, record.name, user);
    } finally {
      this.records.save({ ...record, mountedFor });
    }
  }

  /**
   * Unmounts what was mounted for containers that are `alive` no more, and gives what plugins have still mounted for the
   * last engine's own work. Of containers plugins hear when these are taken down.
   */
  sweep(alive: (containerId: string) => boolean): { record: VolumeRecord; user: string }[] {
    const owed: { record: VolumeRecord; user: string }[] = [];
    for (const record of this.records.present()) {
      const { mountedFor = [] } = record;
      if (record.driver === LOCAL) this.keep(record, mountedFor.filter(alive));
      else owed.push(...mountedFor.filter(isOwnUser).map((user) => ({ record, user })));
    }
    return owed;
  }

  private keep(record: VolumeRecord, mountedFor: string[]): void {
    if (mountOptionsOf(record) === undefined) return;
    if (mountedFor.length === 0) this.files.unmount(record.name);
    this.records.save({ ...record, mountedFor });
  }
}
