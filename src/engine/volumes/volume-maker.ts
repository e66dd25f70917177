import { GantryError, isGantryError } from "../../base/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { VolumeFiles } from "../../ports/volume-files.ts";
import { isPluginError, type PluginVolumes } from "./plugin-volumes.ts";
import { checkVolumeName, checkVolumeOptions, LOCAL, type VolumeRecord } from "./volume-record.ts";
import type { VolumeRecords } from "./volume-records.ts";
import type { VolumeReferences } from "./volume-references.ts";

export interface VolumeMakerDeps {
  records: VolumeRecords;
  files: VolumeFiles;
  plugins: PluginVolumes;
  references: VolumeReferences;
  clock: Clock;
}

type NewVolume = Pick<VolumeRecord, "labels" | "options" | "madeFor">;

export const noSuchVolume = (name: string): GantryError =>
  new GantryError("notFound", "NO_SUCH_VOLUME", `get ${name}: no such volume`);

/** Makes volumes and takes them away, whoever keeps them. The volume's lock is the caller's. */
export class VolumeMaker {
  private readonly deps: VolumeMakerDeps;

  constructor(deps: VolumeMakerDeps) {
    this.deps = deps;
  }

  newRecord(name: string, driver: string): VolumeRecord {
    return { name, driver, created: this.deps.clock.stamp(), labels: {}, options: {} };
  }

  /** The volume on record, if a request for this driver means it. Throws conflict. */
  async known(name: string, driver: string | undefined): Promise<VolumeRecord | undefined> {
    const { records, plugins } = this.deps;
    const record = records.find(name);
    if (record === undefined) return undefined;
    if (record.intent !== undefined) {
      const doing = record.intent === "remove" ? "removed" : "filled";
      throw new GantryError("conflict", "VOLUME_GOING", `create ${name}: the volume is being ${doing}`);
    }
    if (record.driver !== LOCAL && (await plugins.get(record.driver, name, "full")) === undefined) {
      this.requireUnused(record);
      records.forget(name);
      return undefined;
    }
    if (driver && driver !== record.driver) {
      const asked = driver === LOCAL ? LOCAL : (await plugins.find(driver, name, "if-present")).name;
      if (asked === record.driver) return record;
      const words = `driver '${record.driver}' already has volume '${name}': volume name must be unique`;
      throw new GantryError("conflict", "VOLUME_OF_ANOTHER", `create ${name}: ${words}`);
    }
    return record;
  }

  /** A new one of this name would be given to containers that mean the one that is lost. */
  private requireUnused({ name, driver }: VolumeRecord): void {
    const users = this.deps.references.of(name);
    if (users.length === 0) return;
    const words = `found references to volume '${name}' in driver '${driver}' but the volume was not found in the driver`;
    throw new GantryError("conflict", "VOLUME_LOST", `create ${name}: ${words}: volume name must be unique`, {
      hint: "remove the containers that refer to it first",
      details: { containers: users },
    });
  }

  make(name: string, driver: string, given: NewVolume): Promise<VolumeRecord> {
    return driver === LOCAL ? this.makeLocal(name, given) : this.makeWithPlugin(name, driver, given);
  }

  private async makeLocal(name: string, given: NewVolume): Promise<VolumeRecord> {
    checkVolumeName(name);
    checkVolumeOptions(name, given.options);
    const { records, files } = this.deps;
    const record = { ...this.newRecord(name, LOCAL), ...given };
    records.add({ ...record, intent: "create" }, { sync: false });
    try {
      files.create(name);
    } catch (error) {
      records.forget(name);
      throw error;
    }
    records.save(record);
    return record;
  }

  private async makeWithPlugin(name: string, driver: string, given: NewVolume): Promise<VolumeRecord> {
    const { records, plugins } = this.deps;
    const wasThere = records.present().some((record) => record.driver === driver);
    const plugin = await plugins.find(driver, name, wasThere ? "full" : "if-present");
    const record = { ...this.newRecord(name, plugin.name), ...given };
    records.add({ ...record, intent: "create" });
    try {
      await plugins.make(plugin, name, given.options);
    } catch (error) {
      records.forget(name);
      throw error;
    }
    records.save(record);
    return record;
  }

  /** `force`: a volume whose plugin is gone is forgotten. */
  async remove(record: VolumeRecord, force: boolean): Promise<void> {
    if (record.driver !== LOCAL) return this.removeFromPlugin(record, force);
    this.deps.records.save({ ...record, intent: "remove" }, { ending: true });
    await this.finishRemoval(record);
  }

  /** What was begun and is not to be. */
  async finishRemoval({ name, driver }: VolumeRecord): Promise<void> {
    // a plugin lists what it has
    if (driver === LOCAL) await this.deps.files.remove(name);
    this.deps.records.forget(name);
  }

  private async removeFromPlugin({ name, driver }: VolumeRecord, force: boolean): Promise<void> {
    const { records, plugins } = this.deps;
    try {
      if ((await plugins.get(driver, name)) !== undefined) await plugins.remove(driver, name);
      else if (!force) {
        records.forget(name);
        throw noSuchVolume(name);
      }
    } catch (error) {
      // force is for plugins that are gone, not for those that refuse
      if (!force || !isPluginError(error) || isGantryError(error, "PLUGIN_FAILED")) throw error;
    }
    records.forget(name);
  }
}
