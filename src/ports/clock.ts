/** Time. Tests drive it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** RFC 3339 in UTC with nanoseconds, strictly increasing within a process. */
  stamp(): string;
  /** Calls `fn` once after `ms`; the returned function cancels. Keeps no process alive. */
  after(ms: number, fn: () => void): () => void;
}

/** Identifiers and chance. */
export interface Ids {
  /** 64 lower-case hex digits. */
  id(): string;
  /** Docker's adjective_surname. */
  name(): string;
}
