import type { StateChange } from "../../ports/state-store.ts";

/** A container that refers to a volume. */
export interface VolumeUser {
  id: string;
  name: string;
  /** It is up or starting, or its files are being copied: what is mounted now stays mounted. */
  active: boolean;
}

/** What work on volumes needs of containers. */
export interface VolumeUsers {
  of(volume: string): VolumeUser[];
  /** Holds the processes of those that run; the result lets them go. */
  freeze(volume: string): Promise<() => Promise<void>>;
  /**
   * While none of the volume's users can start or end: runs `work` with the changes that give the volume another name in
   * their records. `apply` makes them true in memory, once they are stored.
   */
  renaming<T>(from: string, to: string, work: (changes: StateChange[], apply: () => void) => T): Promise<T>;
}
