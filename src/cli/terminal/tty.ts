export interface TtySize {
  rows: number;
  columns: number;
}

/** The terminal's size; zeros when stdout is none. */
export function ttySize(): TtySize {
  const { rows = 0, columns = 0 } = process.stdout.isTTY ? process.stdout : {};
  return { rows, columns };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/**
 * Keeps the container's TTY at the size of this terminal. The first resize races the start of the process, so it is
 * tried a few times. Gives a function that ends the watch.
 */
export function followSize(resize: (rows: number, columns: number) => Promise<void>): () => void {
  if (!process.stdout.isTTY) return () => {};
  const apply = async (): Promise<void> => {
    const { rows, columns } = ttySize();
    if (rows > 0 && columns > 0) await resize(rows, columns);
  };
  const over = new AbortController();
  void (async () => {
    for (let attempt = 1; attempt <= 10 && !over.signal.aborted; attempt += 1) {
      try {
        await apply();
        return;
      } catch {
        await pause(attempt * 10);
      }
    }
  })();
  const onChange = (): void => void apply().catch(() => {});
  process.stdout.on("resize", onChange);
  return () => {
    over.abort();
    process.stdout.off("resize", onChange);
  };
}

/** Switches the terminal to raw keys; the result puts it back, and so does any end of the process. */
export function rawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const restore = (): void => {
    process.off("exit", restore);
    process.off("SIGTERM", onSignal);
    process.off("SIGHUP", onSignal);
    stdin.setRawMode(false);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, name);
  };
  stdin.setRawMode(true);
  process.once("exit", restore);
  process.once("SIGTERM", onSignal);
  process.once("SIGHUP", onSignal);
  return restore;
}
