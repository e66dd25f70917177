import type { ListedEntry } from "../base/build-session.ts";
import type { ContentDigests } from "./build-files.ts";

/** A build context as the engine has it from a client, in use by one build. */
export interface KeptContext {
  root: string;
  /** Of the files that `update` listed; they last as long as the files stay. */
  contents: ContentDigests;
  /**
   * Compares with the state that was kept, and takes away what is gone or has changed: positions of the entries that must
   * be put there anew. Until `keep` nothing counts as kept.
   */
  update(entries: readonly ListedEntry[]): Promise<number[]>;
  /** All of the last `update` is there now, but for what `without` names. */
  keep(without: (name: string) => boolean): void;
  /** The build is over; what was not kept is deleted. */
  release(): Promise<void>;
}

/** What `system df` and a prune see of one kept context. */
export interface KeptContextInfo {
  id: string;
  /** Bytes. */
  size: number;
  /** RFC 3339. */
  created: string;
  lastUsed: string;
  inUse: boolean;
}

/** Build contexts of clients, kept so that the next build is sent the difference alone. */
export interface ContextStore {
  /** `key`: the client's name for the folder. One that a running build uses is not shared: there are several of a key then. */
  open(key: string): Promise<KeptContext>;
  list(): KeptContextInfo[];
  /** Deletes one unless it is in use; bytes freed. Missing is fine. */
  remove(id: string): Promise<number>;
}
