import { GantryError } from "../../base/errors.ts";
import type { SentFolder } from "../../client/build-session.ts";
import { type BuildContext, folderContext, stdinContext } from "../../local/context.ts";
import { isFetched, namedContexts, type NamedContexts } from "../../local/named-contexts.ts";
import type { Context } from "../command.ts";
import { FlagError } from "../flags.ts";
import type { BuildScreen } from "../progress/build-screen.ts";
import { pairOf } from "../run-options/key-values.ts";
import { readAllInput } from "../terminal/ask.ts";

/** What a build is made from: a folder, stdin, or (undefined) a place that the engine is to fetch. */
export function prepare({ cwd }: Context, path: string, file: string | undefined): Promise<BuildContext> | undefined {
  if (isFetched(path)) return undefined;
  if (path === "-") return stdinContext(process.stdin, file);
  return folderContext(path, file, cwd, async () => Buffer.from(await readAllInput()));
}

/** `--build-context`. Throws FlagError. */
export function namedBy(given: readonly string[], cwd: string): NamedContexts {
  const pairs = given.map((text) => {
    const [name, place] = pairOf(text);
    if (name === "" || place === "") throw new FlagError(`invalid context value: ${text}, expected key=value`);
    return [name, place] as const;
  });
  try {
    return namedContexts(pairs, cwd);
  } catch (error) {
    if (error instanceof GantryError) throw new FlagError(`--build-context: ${error.message}`);
    throw error;
  }
}

/** What is sent of a folder is told to the screen. */
export const shown = ({ entries, size, tar }: SentFolder, what: string, screen: BuildScreen): SentFolder => ({
  entries,
  size,
  tar: (wanted) => announced(tar(wanted), what, screen, size(wanted)),
});

/** `total`: 0 where that is not known. */
export async function* announced(
  tar: AsyncIterable<Buffer> | Iterable<Buffer>,
  what: string,
  screen: BuildScreen,
  total = 0,
): AsyncGenerator<Buffer> {
  let sent = 0;
  for await (const chunk of tar) {
    sent += chunk.length;
    screen.sending(what, sent, total, false);
    yield chunk;
  }
  screen.sending(what, sent, total, true);
}

export async function* packedTar({ tar }: BuildContext, compress: boolean): AsyncGenerator<Buffer> {
  if (!compress) {
    yield* tar;
    return;
  }
  const { createGzip } = await import("node:zlib");
  const { Readable } = await import("node:stream");
  yield* Readable.from(tar).pipe(createGzip()) as AsyncIterable<Buffer>;
}
