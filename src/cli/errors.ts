import { GantryError, messageOf } from "../base/errors.ts";
import { isFromDaemon } from "../client/failures.ts";

/** An error's first line, as docker words it. */
export const words = (error: unknown): string =>
  isFromDaemon(error) ? `Error response from daemon: ${error.message}` : messageOf(error);

/** A message and what can be done about it, unless it says so itself. */
export const withHint = (message: string, hint: string | undefined): string =>
  hint === undefined || message.includes(hint) ? message : `${message}\nhint: ${hint}`;

/** All that the user should see: the words, then what can be done about it. */
export function describe(error: unknown, debug = false): string {
  const hint = error instanceof GantryError ? error.hint : undefined;
  const text = withHint(words(error), hint);
  return debug && error instanceof Error ? `${text}\n${error.stack}` : text;
}
