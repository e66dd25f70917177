/** One change to the durable index; `value: undefined` deletes. */
export interface StateChange {
  bucket: string;
  key: string;
  value: unknown;
}

/**
 * The durable index: JSON documents by bucket and key. `commit` is atomic and durable when it returns
 * (survives kill -9 and power cuts), synchronous, about 0.2 ms; group what belongs together.
 * Throws GantryError internal STATE_FULL when the disk is full, with nothing changed.
 */
export interface StateStore {
  get<T>(bucket: string, key: string): T | undefined;
  list<T>(bucket: string): [key: string, value: T][];
  commit(changes: StateChange[]): void;
  close(): void;
}
