import type { Context } from "./command.ts";

/** Says that a copy may hold half of what somebody was writing. */
export function warnOfWriters({ err }: Context, writers: string[], what: string): void {
  if (writers.length === 0) return;
  err.write(
    `WARNING: ${writers.join(", ")} may have written to the volume meanwhile; with --pause the ${what} shows one moment\n`,
  );
}
