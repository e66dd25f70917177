import type { Context } from "./command.ts";
import { withHint, words } from "./errors.ts";

/**
 * Does one thing for each name, printing the name (or what `action` gives; null: nothing) after each success and every failure at the
 * end. Gives the exit code. `parallel`: all at once; the output keeps the order.
 */
export async function forEachName(
  context: Context,
  names: string[],
  action: (name: string) => Promise<string | null | void>,
  options: { parallel?: boolean } = {},
): Promise<number> {
  const failures: string[] = [];
  const run = (name: string): Promise<{ line: string | null } | { failure: string }> =>
    action(name).then(
      (line) => ({ line: line === undefined ? name : line }),
      (error: unknown) => ({ failure: failureText(error) }),
    );
  const started = options.parallel === true ? names.map(run) : undefined;
  for (const [index, name] of names.entries()) {
    const result = await (started?.[index] ?? run(name));
    if ("failure" in result) failures.push(result.failure);
    else if (result.line !== null) context.out.write(`${result.line}\n`);
  }
  if (failures.length === 0) return 0;
  context.err.write(`${failures.join("\n")}\n`);
  return 1;
}

function failureText(error: unknown): string {
  const hint = (error as { hint?: string }).hint;
  return withHint(words(error), hint);
}
