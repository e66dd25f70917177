import { abandonable } from "../../base/abort.ts";
import { type ClientStream, pump } from "./attach.ts";
import type { ContainerDeps } from "./deps.ts";

export interface TerminalSize {
  height: number;
  width: number;
}

/** Somebody at a terminal. */
export interface RunTerminal {
  client: ClientStream;
  size?: TerminalSize;
  /** Calls back with each new size. */
  onResize(listener: (size: TerminalSize) => void): void;
}

/**
 * Runs a bundle whose process has a terminal, until it ends, the client leaves, or the signal aborts; nothing of it is left. A
 * monitor holds the terminal, which a daemon that is killed leaves to the next one's sweep.
 */
export async function runOnTerminal(
  deps: Pick<ContainerDeps, "monitor" | "runtime">,
  { id, bundle, runtime: name }: { id: string; bundle: string; runtime: string },
  { client, onResize }: RunTerminal,
  signal: AbortSignal,
): Promise<void> {
  const { monitor } = deps;
  const runtime = deps.runtime(name);
  let stopListening = (): void => {};
  const recorded = new Promise<void>((resolve) => {
    stopListening = monitor.watchExits((one) => one === id && resolve());
  });
  const spec = { id, bundle, runtime: name, tty: true, stdin: true, stdinOnce: true };
  await monitor.create(spec).catch((error: unknown) => {
    stopListening();
    throw error;
  });
  try {
    const output = await monitor.attach(bundle);
    onResize((size) => monitor.resize(bundle, size));
    const over = pump(output, client, { stdin: true, stdout: true, stderr: true, tty: true });
    await runtime.start(id);
    await abandonable(over, signal);
  } finally {
    await runtime.remove(id);
    // The monitor's last word, after which nothing of it is there.
    if (monitor.exitCode(id) === undefined) await recorded;
    stopListening();
    monitor.forgetExit(id);
  }
}
