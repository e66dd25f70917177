import type { WaitCondition } from "../wire/types/containers.ts";
import type { Context } from "./command.ts";
import { withHint } from "./errors.ts";
import { Exit } from "./exit.ts";
import { runSession } from "./terminal/session.ts";
import { forwardSignals } from "./terminal/signals.ts";
import { followSize } from "./terminal/tty.ts";

export interface Attached {
  id: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  detachKeys?: string;
  sigProxy: boolean;
  condition: WaitCondition;
  /** Runs once the streams are attached and the exit is watched, so that neither can be missed. */
  start(): Promise<void>;
}

/** docker's order: attach, wait, start, then the streams until their end, then the exit code. */
export async function runAttached(context: Context, wanted: Attached): Promise<{ status: number; detached: boolean }> {
  const engine = await context.engine();
  const { id, tty, stdin, stdout, stderr, detachKeys } = wanted;
  const hijacked = await engine.containers.attach(id, { stdin, stdout, stderr, detachKeys });
  const stopSignals = wanted.sigProxy ? forwardSignals((signal) => engine.containers.kill(id, signal)) : () => {};
  let stopResizing = (): void => {};
  try {
    const { exit } = await engine.containers.wait(id, wanted.condition);
    try {
      await wanted.start();
    } catch (error) {
      // With --rm the engine takes it away; whoever looks next should not find it.
      if (wanted.condition === "removed") await Promise.race([exit.catch(() => {}), patience()]);
      throw error;
    }
    if (tty) stopResizing = followSize((rows, columns) => engine.containers.resize(id, rows, columns));
    const end = await runSession(hijacked, {
      rawTerminal: context.rawTerminal,
      tty,
      stdin,
      out: stdout ? context.out : undefined,
      err: stderr ? context.err : undefined,
      detachKeys,
    });
    if (end === "detached") return { status: 0, detached: true };
    const { StatusCode, Error: error } = await exit;
    if (error != null && error.Message !== "") throw new Exit(125, `Error waiting for container: ${error.Message}`);
    return { status: StatusCode, detached: false };
  } finally {
    hijacked.socket.destroy();
    stopSignals();
    stopResizing();
  }
}

const patience = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5000).unref();
  });

/** docker refuses a TTY whose input is none. */
export function checkTerminal(stdin: boolean, tty: boolean): void {
  if (stdin && tty && !process.stdin.isTTY) {
    const hint = "-t needs a terminal as input: leave it out in scripts, pipes and CI";
    throw new Exit(1, withHint("the input device is not a TTY", hint));
  }
}
