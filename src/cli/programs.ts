import type { Socket } from "node:net";

/** Other programs of this machine that a command needs: credential helpers, ssh. */
export interface Programs {
  /** Runs one to its end with `input` on stdin. Rejects with ENOENT when there is none of that name. */
  run(program: string, args: string[], input: string): Promise<{ code: number; stdout: string; stderr: string }>;
  /**
   * A program as a connection: what is written goes to its stdin, what it writes to stdout comes back. It ends with
   * the connection, and no signal of the terminal reaches it. A program that can't be started fails the connection.
   */
  connect(program: string, args: string[]): Promise<Socket>;
}
