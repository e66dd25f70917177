/** Folders that snapshots are made of: each a whole tree that nobody changes any more. Ids are safe as names of files. */
export interface FrozenTrees {
  /** Copies a folder, with its own attributes, all or nothing and synced. Gives the bytes it takes on the disk. */
  freeze(id: string, source: string): Promise<number>;
  /**
   * A copy of the tree, synced, in the place of the empty folder `target` on the same file system: at once where `prepare`
   * has made one ahead.
   */
  thaw(id: string, target: string): Promise<void>;
  /** Makes the copy for the next `thaw` in the background, where the disk has room to spare. Repeatable. */
  prepare(id: string): void;
  /** Missing is fine. */
  remove(id: string): Promise<void>;
  list(): string[];
  /** When what goes on in the background is over. */
  settled(): Promise<void>;
}
