import { constants } from "node:os";

const FORWARDED = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGCONT",
  "SIGTSTP",
] as const;

/** Hands signals to `send` (by number, as text) until the result is called. A failure to send is not an error here. */
export function forwardSignals(send: (signal: string) => Promise<void>): () => void {
  const handlers = FORWARDED.map((name) => {
    const handler = (): void => {
      send(String(constants.signals[name])).catch(() => {});
    };
    process.on(name, handler);
    return { name, handler };
  });
  return () => {
    for (const { name, handler } of handlers) process.off(name, handler);
  };
}
