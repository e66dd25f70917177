import { GantryError, messageOf } from "../../base/errors.ts";
import type { ContainerEntry } from "../containers/registry.ts";
import { requireOwnData } from "../volumes/replaceable.ts";
import { ownVolumes, type SnapshotDeps } from "./deps.ts";
import { type Restored, SnapshotRestore } from "./restore.ts";
import {
  checkSnapshotName,
  type FrozenTree,
  SNAPSHOTS,
  snapshotKey,
  type SnapshotRecord,
  treesOf,
} from "./snapshot-record.ts";

/** What containers had in their own files and their volumes at some moment, to go back to. A container takes its own along when it is removed. */
export class Snapshots {
  private readonly deps: SnapshotDeps;
  private readonly restores: SnapshotRestore;
  /** Trees that are being made: no record names them yet. */
  private readonly making = new Set<string>();
  private readonly watched = new Set<string>();

  constructor(deps: SnapshotDeps) {
    this.deps = deps;
    this.restores = new SnapshotRestore(deps);
  }

  /** After the containers' own recovery. */
  async recover(): Promise<void> {
    await this.restores.recover();
    for (const container of new Set(this.all().map((record) => record.container))) this.watch(container);
    await this.reclaim();
  }

  /** Newest last. */
  list(entry?: ContainerEntry): SnapshotRecord[] {
    const records = entry ? this.all().filter((record) => record.container === entry.id) : this.all();
    return records.toSorted((a, b) => (a.created < b.created ? -1 : 1));
  }

  /** Throws notFound NO_SUCH_SNAPSHOT. */
  get(entry: ContainerEntry, name: string): SnapshotRecord {
    const found = this.deps.state.get<SnapshotRecord>(SNAPSHOTS, snapshotKey({ container: entry.id, name }));
    if (found !== undefined) return found;
    const { name: container } = entry.record;
    throw new GantryError("notFound", "NO_SUCH_SNAPSHOT", `no such snapshot of container ${container}: ${name}`, {
      hint: `gantry snapshot ls ${container} shows those that there are`,
    });
  }

  /**
   * `pause`: the container, and others that use its volumes, are held meanwhile. Throws conflict SNAPSHOT_EXISTS, invalid
   * BAD_SNAPSHOT_NAME, VOLUME_ELSEWHERE.
   */
  async save(
    entry: ContainerEntry,
    request: { name?: string; pause: boolean; signal: AbortSignal },
  ): Promise<SnapshotRecord> {
    const { deps } = this;
    const name = request.name ?? this.freeName(entry);
    checkSnapshotName(name);
    this.requireNew(entry, name);
    const volumes = ownVolumes(entry);
    for (const volume of volumes) requireOwnData(deps.volumes.get(volume.name), "take a snapshot of");
    const made: string[] = [];
    try {
      const trees = await this.copyTrees(entry, volumes, request, made);
      // The container or the name may have gone meanwhile.
      deps.containers.find(entry.id);
      this.requireNew(entry, name);
      const record: SnapshotRecord = { container: entry.id, name, created: deps.clock.stamp(), ...trees };
      deps.state.commit([{ bucket: SNAPSHOTS, key: snapshotKey(record), value: record }]);
      this.watch(entry.id);
      deps.publish(entry, "snapshot", { snapshot: name });
      return record;
    } finally {
      for (const tree of made) this.making.delete(tree);
      await this.reclaim();
    }
  }

  /** Throws notFound NO_SUCH_SNAPSHOT, conflict RESTORING. */
  async remove(entry: ContainerEntry, name: string): Promise<void> {
    const record = this.get(entry, name);
    this.restores.requireNone(entry);
    this.deps.state.commit([{ bucket: SNAPSHOTS, key: snapshotKey(record), value: undefined }]);
    await this.reclaim();
  }

  /** Throws notFound NO_SUCH_SNAPSHOT, and what SnapshotRestore.restore throws. */
  restore(entry: ContainerEntry, name: string, options: { force: boolean }): Promise<Restored> {
    return this.restores.restore(entry, this.get(entry, name), options);
  }

  private async copyTrees(
    entry: ContainerEntry,
    volumes: { name: string; destination: string }[],
    { pause, signal }: { pause: boolean; signal: AbortSignal },
    made: string[],
  ): Promise<Pick<SnapshotRecord, "layer" | "volumes">> {
    const { containers } = this.deps;
    const opened: { path: string; close(): void }[] = [];
    const thaws: (() => Promise<void>)[] = [];
    try {
      for (const { name } of volumes) opened.push(await this.deps.volumes.open(name, "being saved in a snapshot"));
      return await containers.standStill.frozen(entry, { pause, signal }, async (upper) => {
        if (pause) for (const { name } of volumes) thaws.push(await containers.volumeUsers.freeze(name));
        const layer = upper === undefined ? undefined : await this.freeze(upper, made);
        const frozen: SnapshotRecord["volumes"] = [];
        for (const [index, { destination }] of volumes.entries()) {
          if (signal.aborted) throw new GantryError("canceled", "CANCELED", "context canceled");
          frozen.push({ destination, ...(await this.freeze(opened[index]!.path, made)) });
        }
        return { ...(layer && { layer }), volumes: frozen };
      });
    } finally {
      for (const one of opened) one.close();
      await Promise.all(thaws.map((thaw) => thaw()));
    }
  }

  private async freeze(folder: string, made: string[]): Promise<FrozenTree> {
    const tree = this.deps.ids.id().slice(0, 16);
    this.making.add(tree);
    made.push(tree);
    return { tree, size: await this.deps.trees.freeze(tree, folder) };
  }

  private all(): SnapshotRecord[] {
    return this.deps.state.list<SnapshotRecord>(SNAPSHOTS).map(([, record]) => record);
  }

  private requireNew(entry: ContainerEntry, name: string): void {
    if (!this.list(entry).some((record) => record.name === name)) return;
    const { name: container } = entry.record;
    throw new GantryError("conflict", "SNAPSHOT_EXISTS", `container ${container} has a snapshot ${name} already`, {
      hint: `gantry snapshot rm ${container} ${name}`,
    });
  }

  private freeName(entry: ContainerEntry): string {
    const taken = new Set(this.list(entry).map((record) => record.name));
    let number = 1;
    while (taken.has(`snapshot-${number}`)) number++;
    return `snapshot-${number}`;
  }

  /** Snapshots go with their container. */
  private watch(container: string): void {
    if (this.watched.has(container)) return;
    try {
      this.deps.containers.find(container).removed.once(() => void this.forget(container));
      this.watched.add(container);
    } catch {
      void this.forget(container); // it went while the engine was down
    }
  }

  private async forget(container: string): Promise<void> {
    const { state, logger } = this.deps;
    this.watched.delete(container);
    const gone = this.all().filter((record) => record.container === container);
    try {
      state.commit(gone.map((record) => ({ bucket: SNAPSHOTS, key: snapshotKey(record), value: undefined })));
      await this.reclaim();
    } catch (error) {
      logger.error("forgetting snapshots; the next start tries again", { container, error: messageOf(error) });
    }
  }

  /** Deletes the trees that no snapshot has. */
  private async reclaim(): Promise<void> {
    const { trees, logger } = this.deps;
    const needed = new Set([...this.making, ...this.all().flatMap(treesOf)]);
    for (const tree of trees.list().filter((id) => !needed.has(id))) {
      try {
        await trees.remove(tree);
      } catch (error) {
        logger.warn("deleting a snapshot's files; the next start tries again", { tree, error: messageOf(error) });
      }
    }
  }
}
