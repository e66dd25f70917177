import type { HostConfig } from "../../base/container-config.ts";
import type { StateChange } from "../../ports/state-store.ts";
import type { VolumeUser, VolumeUsers } from "../volumes/volume-users.ts";
import type { Pauses } from "./pauses.ts";
import { type ContainerRecord, isUp, type MountPoint } from "./record.ts";
import type { ContainerEntry, ContainerRegistry } from "./registry.ts";

/** Containers as the users of volumes. */
export class ContainerVolumeUsers implements VolumeUsers {
  private readonly registry: ContainerRegistry;
  private readonly pauses: Pauses;
  /** Where a volume's data is on the host. */
  private readonly mountpoint: (volume: string) => string;

  constructor(deps: {
    registry: ContainerRegistry;
    pauses: Pauses;
    mountpoint: ContainerVolumeUsers["mountpoint"];
  }) {
    this.registry = deps.registry;
    this.pauses = deps.pauses;
    this.mountpoint = deps.mountpoint;
  }

  of(volume: string): VolumeUser[] {
    return this.entries(volume).map((entry) => ({ id: entry.id, name: entry.record.name, active: isActive(entry) }));
  }

  async freeze(volume: string): Promise<() => Promise<void>> {
    const held: (() => Promise<void>)[] = [];
    const thaw = async (): Promise<void> => {
      await Promise.all(held.map((letGo) => letGo()));
    };
    try {
      for (const entry of this.entries(volume)) held.push(await this.pauses.hold(entry, "snapshot"));
    } catch (error) {
      await thaw();
      throw error;
    }
    return thaw;
  }

  async renaming<T>(from: string, to: string, work: (changes: StateChange[], apply: () => void) => T): Promise<T> {
    const locked = this.entries(from).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const inside = async (index: number): Promise<{ result: T } | undefined> => {
      const next = locked[index];
      if (next !== undefined) return next.lock.run(() => inside(index + 1));
      if (this.entries(from).some((entry) => !locked.includes(entry))) return undefined;
      const renamed = locked.map((entry) => ({ entry, record: this.renamed(entry.record, from, to) }));
      const changes = renamed.map(({ entry, record }) => this.registry.change(entry, record));
      const apply = (): void => {
        for (const { entry, record } of renamed) Object.assign(entry.record, record);
      };
      return { result: work(changes, apply) };
    };
    const done = await inside(0);
    // A container that came meanwhile has to be locked as well.
    return done === undefined ? this.renaming(from, to, work) : done.result;
  }

  private entries(volume: string): ContainerEntry[] {
    return this.registry.all().filter(({ record }) => record.mounts.some((row) => isOf(row, volume)));
  }

  private renamed(record: ContainerRecord, from: string, to: string): ContainerRecord {
    const Source = this.mountpoint(to);
    return {
      ...record,
      mounts: record.mounts.map((row) => (isOf(row, from) ? { ...row, Name: to, Source } : row)),
      hostConfig: withVolumeRenamed(record.hostConfig, from, to),
    };
  }
}

const isOf = (row: MountPoint, volume: string): boolean => row.Type === "volume" && row.Name === volume;

/** What is mounted for it now stays so. */
const isActive = ({ record, uses }: ContainerEntry): boolean =>
  isUp(record) || record.state.intent === "start" || record.state.intent === "copy" || uses.size > 0;

/** `--volume OLD:/path` and `--mount source=OLD`, as inspect shows them and a start reads them. */
function withVolumeRenamed(config: HostConfig, from: string, to: string): HostConfig {
  const { Binds, Mounts } = config;
  return {
    ...config,
    ...(Binds && { Binds: Binds.map((bind) => (bind.startsWith(`${from}:`) ? to + bind.slice(from.length) : bind)) }),
    ...(Mounts && {
      Mounts: Mounts.map((mount) =>
        mount.Type === "volume" && mount.Source === from ? { ...mount, Source: to } : mount,
      ),
    }),
  };
}
