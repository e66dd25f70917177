import { GantryError } from "../../base/errors.ts";
import { Mutex, Signal } from "../../base/mutex.ts";
import type { CommitOptions, StateChange, StateStore } from "../../ports/state-store.ts";
import type { ContainerRecord } from "./record.ts";

const BUCKET = "containers";

/** One container in memory: its record, and what only the running daemon knows. */
export class ContainerEntry {
  record: ContainerRecord;
  /** Start, exit, restart and removal exclude one another. */
  readonly lock = new Mutex();
  /** Fires with the exit code at each end. */
  readonly exited = new Signal<number>();
  readonly removed = new Signal<number>();
  /** Fires after the monitor is there and before the container starts: waiting attaches connect now. */
  readonly created = new Signal<void>();
  readonly execIds = new Set<string>();
  /** Attach sessions that are open; each settles when its client has been given all output. */
  readonly sessions = new Set<Promise<void>>();
  /** Uses of its tree from outside. A removal aborts them and waits until they have ended. */
  readonly uses = new Set<{ abort(): void; ended: Promise<void> }>();
  /** Milliseconds of the next restart's delay. */
  restartDelay = 0;
  cancelRestart: (() => void) | undefined;
  /** Its next end is not yet the end of it: --rm waits. */
  kept = false;

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  async endUses(): Promise<void> {
    const uses = [...this.uses];
    for (const use of uses) use.abort();
    await Promise.all(uses.map((use) => use.ended));
  }

  get id(): string {
    return this.record.id;
  }
}

/** All containers, in memory and in the durable index. Names are unique. */
export class ContainerRegistry {
  private readonly state: StateStore;
  private readonly byId = new Map<string, ContainerEntry>();
  private readonly byName = new Map<string, ContainerEntry>();

  constructor(state: StateStore) {
    this.state = state;
    for (const [, record] of state.list<ContainerRecord>(BUCKET)) this.index(new ContainerEntry(record));
  }

  all(): ContainerEntry[] {
    return [...this.byId.values()];
  }

  /** Full id, then exact name (with or without `/`, or a link's), then unique id prefix. Errors: NO_SUCH_CONTAINER, AMBIGUOUS_ID. */
  find(reference: string): ContainerEntry {
    const name = reference.startsWith("/") ? reference.slice(1) : reference;
    const exact = this.byId.get(reference) ?? this.byName.get(name) ?? this.byLink(name);
    if (exact) return exact;
    const matches = /^[0-9a-f]{1,64}$/.test(reference)
      ? [...this.byId.keys()].filter((id) => id.startsWith(reference))
      : [];
    if (matches.length > 1) {
      throw new GantryError("invalid", "AMBIGUOUS_ID", `multiple IDs found with provided prefix: ${reference}`);
    }
    const entry = this.byId.get(matches[0] ?? "");
    if (!entry) throw new GantryError("notFound", "NO_SUCH_CONTAINER", `No such container: ${reference}`);
    return entry;
  }

  tryFind(reference: string): ContainerEntry | undefined {
    try {
      return this.find(reference);
    } catch {
      return undefined;
    }
  }

  named(name: string): ContainerEntry | undefined {
    return this.byName.get(name);
  }

  /** Adds a new container, unsynced: the save that completes it is. Throws conflict NAME_TAKEN. */
  add(record: ContainerRecord): ContainerEntry {
    const holder = this.byName.get(record.name);
    if (holder) throw nameTaken(record.name, holder.id);
    const entry = new ContainerEntry(record);
    this.state.commit([this.change(entry)], { sync: false });
    this.index(entry);
    return entry;
  }

  rename(entry: ContainerEntry, name: string): void {
    const holder = this.byName.get(name);
    if (holder) throw nameTaken(name, holder.id);
    const renamed = { ...entry.record, name };
    this.state.commit([{ bucket: BUCKET, key: entry.id, value: renamed }]);
    this.byName.delete(entry.record.name);
    entry.record.name = name;
    this.byName.set(name, entry);
  }

  save(entry: ContainerEntry, options?: CommitOptions): void {
    this.state.commit([this.change(entry)], options);
  }

  /** The same without keeping others waiting for the disk: durable when it resolves. */
  async saveDurably(entry: ContainerEntry, options: Omit<CommitOptions, "sync"> = {}): Promise<void> {
    this.save(entry, { ...options, sync: false });
    await this.state.synced();
  }

  /** Unsynced: should a power cut bring the record back, it says that it was to be removed. */
  remove(entry: ContainerEntry): void {
    this.state.commit([{ bucket: BUCKET, key: entry.id, value: undefined }], { sync: false });
    this.byId.delete(entry.id);
    this.byName.delete(entry.record.name);
  }

  /** "parent/alias": the container that the link leads to. */
  private byLink(name: string): ContainerEntry | undefined {
    const [parent = "", alias] = name.split("/");
    if (alias === undefined) return undefined;
    const link = this.byName.get(parent)?.record.links?.find((candidate) => candidate.alias === alias);
    return link && this.byId.get(link.id);
  }

  /** What stores it, or `record` in its place, together with other things. */
  change(entry: ContainerEntry, record = entry.record): StateChange {
    return { bucket: BUCKET, key: entry.id, value: record };
  }

  private index(entry: ContainerEntry): void {
    this.byId.set(entry.id, entry);
    this.byName.set(entry.record.name, entry);
  }
}

const nameTaken = (name: string, holder: string): GantryError =>
  new GantryError(
    "conflict",
    "NAME_TAKEN",
    `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    { hint: `remove it with: gantry rm -f ${name}   or pick another --name` },
  );
