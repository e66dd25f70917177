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

/** Raw keys until the result is called, or the process ends, by a signal too. `switchOver` does it. */
export async function rawMode(switchOver: () => Promise<() => void>): Promise<() => void> {
  if (!process.stdin.isTTY) return () => {};
  const putBack = await switchOver();
  const onSignal = (name: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, name);
  };
  const restore = (): void => {
    process.off("exit", restore).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
    putBack();
  };
  process.once("exit", restore).once("SIGTERM", onSignal).once("SIGHUP", onSignal);
  return restore;
}
