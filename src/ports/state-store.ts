/** One change to the durable index; `value: undefined` deletes. */
export interface StateChange {
  bucket: string;
  key: string;
  value: unknown;
}

export interface CommitOptions {
  /**
   * false: survives kill -9, but a power cut may take it, until a later commit that syncs. For what a reboot makes void
   * anyway (who runs, with what address), and for steps whose end is synced before anybody is told.
   */
  sync?: boolean;
  /**
   * true: belongs to an end or a removal, which must be possible on a full disk: may use the space that is set aside.
   * Deletions always may.
   */
  ending?: boolean;
}

/**
 * The durable index: JSON documents by bucket and key. `commit` is atomic and durable when it returns
 * (survives kill -9 and power cuts, unless told otherwise), synchronous; group what belongs together. A power cut never
 * takes a commit and leaves a later one. Throws GantryError internal STATE_FULL when the disk is full, with nothing
 * changed.
 */
export interface StateStore {
  get<T>(bucket: string, key: string): T | undefined;
  list<T>(bucket: string): [key: string, value: T][];
  commit(changes: StateChange[], options?: CommitOptions): void;
  /** Resolves when all that was committed before, synced or not, is on the disk. Several calls at once share the work. */
  synced(): Promise<void>;
  close(): void;
}
