/**
 * What a build asks of the client that began it, each answered over a connection of its own:
 * a secret's bytes, after their number (32 bits, big-endian); an agent's socket, both ways; a folder of the client's as a tar.
 */
export type SessionWish =
  | { kind: "secret"; id: string }
  | { kind: "agent"; id: string }
  | { kind: "context"; name: string }
  | { kind: "output"; position: number }
  /** A file of an exported cache that the user named; its bytes. */
  | { kind: "cacheFile"; folder: string; path: string }
  /** Where the cache is to be exported to; takes a tar as an output does. */
  | { kind: "cacheTo"; folder: string };

/** Engine to client, one JSON text a line: the session's name first, then what is wanted. */
export type SessionNews = { session: string } | { channel: number; wish: SessionWish };

/** Client to engine, one JSON text a line: why a wish is not granted. `missing`: the user named no such thing. */
export interface SessionRefusal {
  channel: number;
  message: string;
  missing: boolean;
}

/**
 * A path and a stamp of its state ("d…" for a folder). A context goes over its connection so: the client sends all
 * entries as JSON, one a line, then `[]`; the engine answers with one line, the positions of those that it wants; the
 * client sends them as a tar and ends.
 */
export type ListedEntry = [name: string, stamp: string];
