import { GantryError } from "../../base/errors.ts";
import type { CommitOptions, StateStore } from "../../ports/state-store.ts";
import { VOLUMES, type VolumeRecord } from "./volume-record.ts";

/** The index of volumes. */
export class VolumeRecords {
  private readonly state: StateStore;

  constructor(state: StateStore) {
    this.state = state;
  }

  find(name: string): VolumeRecord | undefined {
    return this.state.get<VolumeRecord>(VOLUMES, name);
  }

  all(): VolumeRecord[] {
    return this.state.list<VolumeRecord>(VOLUMES).map(([, record]) => record);
  }

  /** Without those that are being made or removed. */
  present(): VolumeRecord[] {
    return this.all().filter((record) => record.intent === undefined);
  }

  save(record: VolumeRecord, options?: CommitOptions): void {
    this.state.commit([{ bucket: VOLUMES, key: record.name, value: record }], options);
  }

  /** A new one. Throws conflict VOLUME_EXISTS: its name may have been taken since it was looked up. */
  add(record: VolumeRecord, options?: CommitOptions): void {
    if (this.find(record.name) !== undefined) throw volumeExists(record.name);
    this.save(record, options);
  }

  forget(name: string): void {
    this.state.commit([{ bucket: VOLUMES, key: name, value: undefined }]);
  }
}

export const volumeExists = (name: string): GantryError =>
  new GantryError("conflict", "VOLUME_EXISTS", `a volume named ${name} already exists`);
