import { createReadStream, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Context } from "./command.ts";
import { Exit } from "./exit.ts";
import { DescriptorOutput } from "./terminal/output.ts";

/** A tar to a file (whole or not at all) or to stdout, never to a terminal. */
export async function saveStream(
  context: Context,
  file: string | undefined,
  what: string,
  open: () => Promise<AsyncIterable<Buffer>>,
): Promise<void> {
  if (file === undefined || file === "") {
    if (context.out.isTTY) throw new Exit(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    for await (const chunk of await open()) context.out.write(chunk);
    return;
  }
  const target = resolve(context.cwd, file);
  const refuse = (why: string): Exit => new Exit(1, `failed to ${what}: invalid output path: ${why}`);
  if (statSync(dirname(target), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw refuse(`stat ${dirname(file)}: no such file or directory`);
  }
  const known = statSync(target, { throwIfNoEntry: false });
  if (known?.isDirectory()) throw refuse(`${JSON.stringify(file)} must be a file, not a directory`);
  const body = await open();
  // Pipes and devices are written in place.
  const inPlace = known !== undefined && !known.isFile();
  const path = inPlace ? target : `${target}.tmp-${process.pid}`;
  try {
    const out = new DescriptorOutput(openSync(path, inPlace ? "w" : "wx", 0o600));
    for await (const chunk of body) out.write(chunk);
    if (!inPlace) renameSync(path, target);
  } catch (error) {
    if (!inPlace) rmSync(path, { force: true });
    throw error;
  }
}

/** A file's bytes, or stdin's for `-`; a missing file is said in docker's words. */
export async function openInput(context: Context, file: string): Promise<AsyncIterable<Buffer>> {
  if (file === "-") return process.stdin;
  const path = resolve(context.cwd, file);
  const known = statSync(path, { throwIfNoEntry: false });
  if (known === undefined) throw new Exit(1, `open ${file}: no such file or directory`);
  if (known.isDirectory()) throw new Exit(1, `read ${file}: is a directory`);
  return createReadStream(path, { highWaterMark: 1 << 18 });
}
