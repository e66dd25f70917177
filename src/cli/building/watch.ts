import { statSync, watch } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { Changes, type WatchedFolder } from "../../local/changes.ts";
import type { BuildContext } from "../../local/context.ts";
import type { Context } from "../command.ts";
import { describe } from "../errors.ts";
import { Exit } from "../exit.ts";
import { namedBy, prepare } from "./contexts.ts";
import type { BuildValues } from "./flags.ts";

const SHOWN = 3;

/** `--watch`: builds `given` (made of `path`), and again whenever that has changed, until a signal ends the command. */
export async function watchBuild(
  context: Context,
  given: BuildContext | undefined,
  path: string,
  options: BuildValues,
  build: (prepared: BuildContext, round: number, signal: AbortSignal) => Promise<void>,
): Promise<never> {
  if (options["shell-on-fail"] !== undefined) throw new Exit(125, "--watch and --shell-on-fail exclude each other");
  if (given?.folder === undefined || options.file === "-")
    throw new Exit(125, "--watch needs a folder as context, and the Dockerfile in a file");
  const { root } = given.folder;
  const own = written(context, options);
  if (own.some((place) => `${root}/`.startsWith(`${place}/`))) {
    throw new Exit(125, "--watch: what the build writes would lie over its own context, and start the next build");
  }
  let prepared: BuildContext | undefined = given;
  let folders: WatchedFolder[] = [];
  for (let round = 1; ; round += 1) {
    if (prepared?.folder)
      folders = [prepared.folder, ...namedBy(options["build-context"], context.cwd).folders.values()];
    const changes = new Changes([...folders, ...dockerfileOf(context, options.file)], own);
    try {
      if (prepared) await built(prepared, round, changes);
      if (!changes.seen) context.out.write(`Watching ${path} for changes; Ctrl-C ends it\n`);
      const changed = await changes.next;
      context.out.write(`\n${changedText(changed.map((file) => relative(root, file)))}\n`);
    } finally {
      changes.close();
    }
    prepared = await again();
  }

  async function built(from: BuildContext, round: number, changes: Changes): Promise<void> {
    const control = new AbortController();
    changes.next.then(
      () => control.abort(),
      () => {},
    );
    try {
      await build(from, round, control.signal);
    } catch (error) {
      // A newer change has ended it: what it says of that is of no interest.
      if (!control.signal.aborted) context.err.write(`${error instanceof Exit ? error.message : describe(error)}\n`);
    }
  }

  /** undefined: it can't be built just now, as when the Dockerfile is gone; the next change may put that right. */
  async function again(): Promise<BuildContext | undefined> {
    try {
      return await prepare(context, path, options.file);
    } catch (error) {
      context.err.write(`${describe(error)}\n`);
      return undefined;
    }
  }
}

/** "Changed: a.ts, b.ts, c.ts and 4 more" */
function changedText(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `Changed: ${names.slice(0, SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Where the build itself writes to. */
function written({ cwd }: Context, options: BuildValues): string[] {
  const places = [options.iidfile, options["metadata-file"], ...options.output.map(({ dest }) => dest)];
  return places.flatMap((place) => (place === undefined || place === "-" ? [] : [resolve(cwd, place)]));
}

/** The Dockerfile, which may lie beside the context. */
function dockerfileOf({ cwd }: Context, file: string | undefined): WatchedFolder[] {
  if (!file) return [];
  const path = resolve(cwd, file);
  const onlyIt: WatchedFolder["watch"] = (onEvent) => {
    const watcher = watch(dirname(path), (_event, name) => name === basename(path) && onEvent(path));
    watcher.on("error", () => onEvent(path));
    return () => watcher.close();
  };
  const list: WatchedFolder["list"] = () => {
    const { ino, ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    return { entries: [[basename(path), `${ino}:${ctimeMs}`]] };
  };
  return [{ root: dirname(path), list, watch: onlyIt }];
}
