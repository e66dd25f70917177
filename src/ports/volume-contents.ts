/**
 * What is in volumes' folders, as a whole. New contents are put together in a staging folder beside the old ones and take
 * their place by a rename: whoever looks sees either. Names are checked by the caller; nobody may have the volume mounted
 * while its contents are replaced.
 */
export interface VolumeContents {
  /** An empty folder with a new volume's owner and mode; what was staged before goes. */
  stage(name: string): Promise<string>;
  /**
   * What is staged becomes the data; what that replaces is deleted in the background. Synchronous and repeatable: without
   * anything staged nothing happens. The staged files must be synced before.
   */
  accept(name: string): void;
  /** Deletes what is staged. */
  clean(name: string): Promise<void>;
  /** When all that was replaced is deleted. */
  settled(): Promise<void>;
  /** After a crash, for every volume: finishes an accept that was begun, and cleans. */
  sweep(): Promise<void>;
  /** Copies a folder's contents, with its own attributes, into an empty one; blocks are shared where the file system can. */
  copy(from: string, to: string): Promise<void>;
  /** Whether a folder has nothing in it, or is not there. */
  isEmpty(folder: string): boolean;
  /** Gives the volume's folder another name, mounted or not. Synchronous and repeatable. */
  rename(from: string, to: string): void;
  /** Bytes that a folder takes on the disk, holes not counted and hard links counted once. */
  bytesOnDisk(folder: string): Promise<number>;
  /** Flushes the file system that volumes are on. */
  sync(): Promise<void>;
}
