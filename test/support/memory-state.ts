import type { StateChange, StateStore } from "../../src/ports/state-store.ts";

/** The durable index in memory. Values are copied as JSON, so that nothing but data comes through. */
export class MemoryStateStore implements StateStore {
  readonly #documents = new Map<string, Map<string, string>>();
  /** All commits so far, for tests of order. */
  readonly commits: StateChange[][] = [];

  get<T>(bucket: string, key: string): T | undefined {
    const text = this.#documents.get(bucket)?.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  list<T>(bucket: string): [key: string, value: T][] {
    const entries = [...(this.#documents.get(bucket) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([key, text]) => [key, JSON.parse(text) as T]);
  }

  commit(changes: StateChange[]): void {
    // All are written down before the first counts: a value that is no data changes nothing.
    const written = changes.map(({ bucket, key, value }) => ({
      bucket,
      key,
      text: value === undefined ? undefined : JSON.stringify(value),
    }));
    this.commits.push(changes);
    for (const { bucket, key, text } of written) {
      const documents = this.#documents.get(bucket) ?? new Map<string, string>();
      this.#documents.set(bucket, documents);
      if (text === undefined) documents.delete(key);
      else documents.set(key, text);
    }
  }

  async synced(): Promise<void> {}

  close(): void {}
}
