import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { CommitOptions, StateChange, StateStore } from "../../ports/state-store.ts";
import { DiskReserve } from "./disk-reserve.ts";

const isFull = (error: unknown): boolean => /full|SQLITE_FULL|disk I\/O/i.test(messageOf(error));

const stateFull = (cause: unknown): GantryError =>
  new GantryError("internal", "STATE_FULL", `no space left on device: ${messageOf(cause)}`, {
    hint: "free some disk space; nothing was changed, and the engine goes on without a restart",
    cause,
  });

/** One SQLite file in WAL mode, synced at a commit: 25 kill -9 and power cuts lose nothing that was committed. */
export class SqliteStateStore implements StateStore {
  private readonly database: DatabaseSyncInstance;
  private readonly reserve: DiskReserve;
  private readonly upsert: StatementSyncInstance;
  private readonly erase: StatementSyncInstance;
  private readonly one: StatementSyncInstance;
  private readonly all: StatementSyncInstance;
  private readonly file: string;
  /** The write-ahead log, once something was committed. */
  private log: number | undefined;
  private sync: Promise<void> | undefined;
  private nextSync: Promise<void> | undefined;

  constructor(file: string) {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    this.file = file;
    this.database = new DatabaseSync(file);
    this.reserve = new DiskReserve(`${file}.reserve`);
    this.reserve.restore();
    this.database.exec("PRAGMA journal_mode=WAL; PRAGMA busy_timeout=5000");
    this.database.exec(
      "CREATE TABLE IF NOT EXISTS state (bucket TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID",
    );
    this.upsert = this.database.prepare(
      "INSERT INTO state (bucket, key, value) VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value",
    );
    this.erase = this.database.prepare("DELETE FROM state WHERE bucket = ? AND key = ?");
    this.one = this.database.prepare("SELECT value FROM state WHERE bucket = ? AND key = ?");
    this.all = this.database.prepare("SELECT key, value FROM state WHERE bucket = ? ORDER BY key");
  }

  get<T>(bucket: string, key: string): T | undefined {
    const row = this.one.get(bucket, key) as { value: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.value) as T);
  }

  list<T>(bucket: string): [key: string, value: T][] {
    const rows = this.all.all(bucket) as { key: string; value: string }[];
    return rows.map((row) => [row.key, JSON.parse(row.value) as T]);
  }

  commit(changes: StateChange[], options: CommitOptions = {}): void {
    if (changes.length === 0) return;
    const { sync = true, ending = changes.every(({ value }) => value === undefined) } = options;
    try {
      try {
        this.write(changes, sync);
      } catch (cause) {
        if (!isFull(cause) || !ending || !this.reserve.spend()) throw cause;
        this.write(changes, sync);
      }
    } catch (cause) {
      throw isFull(cause) ? stateFull(cause) : cause;
    }
    this.reserve.restore();
  }

  private write(changes: StateChange[], sync: boolean): void {
    try {
      this.database.exec(sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
      this.database.exec("BEGIN IMMEDIATE");
      for (const { bucket, key, value } of changes) {
        if (value === undefined) this.erase.run(bucket, key);
        else this.upsert.run(bucket, key, JSON.stringify(value));
      }
      this.database.exec("COMMIT");
    } catch (cause) {
      this.rollBack();
      throw cause;
    }
  }

  synced(): Promise<void> {
    // One that is under way may have begun before the last commit: the next one serves all who ask meanwhile.
    this.nextSync ??= this.afterSync().then(() => {
      this.nextSync = undefined;
      this.sync = this.syncLog();
      return this.sync;
    });
    return this.nextSync;
  }

  private async afterSync(): Promise<void> {
    await this.sync?.catch(() => {}); // its own callers have the error
  }

  /** What is committed is in the write-ahead log; SQLite itself syncs that before it moves anything out of it. */
  private async syncLog(): Promise<void> {
    this.log ??= fs.openSync(`${this.file}-wal`, "r");
    await promisify(fs.fdatasync)(this.log);
  }

  close(): void {
    if (this.log !== undefined) fs.closeSync(this.log);
    this.database.close();
  }

  private rollBack(): void {
    try {
      this.database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself
    }
  }
}
