import type { Duplex } from "node:stream";
import type { Owner } from "../base/id-map.ts";

/** A file that is there for one build step. */
export interface StepFile {
  path: string;
  /** Takes it away; twice is fine. */
  remove(): void;
}

/**
 * Files for a build step that no disk ever holds: secrets, and sockets that lead to a client's agent.
 * Errors: internal STEP_FILE_FAILED with the system's words.
 */
export interface StepFiles {
  /** `owner` as the host counts. */
  secret(data: Buffer, owner: Owner, mode: number): StepFile;
  /** A unix socket; each connection to it is handed over. */
  socket(owner: Owner, mode: number, onConnection: (connection: Duplex) => void): Promise<StepFile>;
  /** Takes away what a killed engine left. */
  sweep(): void;
}
