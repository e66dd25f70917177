import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { GantryError } from "../base/errors.ts";
import type { WatchedFolder } from "./changes.ts";
import { readIgnoreFile } from "./ignore-file.ts";
import { type Listing, listFolder } from "./listing.ts";
import { pack, packedText, type PackOptions } from "./pack.ts";
import { padding, tarHeader, trailer } from "./tar-writer.ts";
import { watchFolder } from "./watch.ts";

export interface BuildContext {
  /** The Dockerfile's name within the tar. */
  dockerfile: string;
  tar: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** The same with nothing but the Dockerfile and what says what is ignored; missing where all comes on stdin. */
  rules?: Iterable<Buffer>;
  /** Where it is a folder: its place, and its entries one by one. */
  folder?: ContextFolder;
}

export interface ContextFolder extends WatchedFolder {
  list(): Listing;
}

const refuse = (reason: string): GantryError =>
  new GantryError("invalid", "BAD_CONTEXT", `unable to prepare context: ${reason}`);

/** A folder; the Dockerfile may be elsewhere, or come from stdin (`stdin` reads it). */
export async function folderContext(
  given: string,
  file: string | undefined,
  cwd: string,
  stdin: () => Promise<Buffer>,
): Promise<BuildContext> {
  const root = folderAt(given, cwd);
  if (file === "-") return outside(root, await stdin());
  const wanted = file === undefined || file === "" ? defaultFile(root) : resolve(cwd, file);
  if (lstatSync(wanted, { throwIfNoEntry: false }) === undefined) {
    throw refuse(`unable to evaluate symlinks in Dockerfile path: lstat ${wanted}: no such file or directory`);
  }
  const real = realpathSync(wanted);
  const name = relative(root, real);
  if (name.startsWith("..") || isAbsolute(name)) return outside(root, readFileSync(real));
  return packed(root, name, []);
}

function folderAt(given: string, cwd: string): string {
  const path = resolve(cwd, given);
  const known = statSync(path, { throwIfNoEntry: false });
  if (known === undefined) throw refuse(`path ${JSON.stringify(given)} not found`);
  if (!known.isDirectory()) throw refuse(`context must be a directory: ${path}`);
  return realpathSync(path);
}

/** docker takes `dockerfile` too where there is no `Dockerfile`. */
function defaultFile(root: string): string {
  const usual = join(root, "Dockerfile");
  const small = join(root, "dockerfile");
  return !existsSync(usual) && existsSync(small) ? small : usual;
}

/**
 * The Dockerfile travels under a name of its own, which the .dockerignore that goes along leaves out of every COPY. The
 * name follows from the content, so that the layer cache is not missed for it.
 */
function outside(root: string, content: Buffer): BuildContext {
  const name = `.dockerfile.${createHash("sha256").update(content).digest("hex").slice(0, 20)}`;
  const path = join(root, ".dockerignore");
  const rules = existsSync(path) ? readFileSync(path, "utf8") : ".dockerignore";
  const extra = [
    { name, content },
    { name: ".dockerignore", content: Buffer.from(`${rules}\n${name}\n`) },
  ];
  return packed(root, name, extra);
}

function packed(root: string, dockerfile: string, extra: { name: string; content: Buffer }[]): BuildContext {
  const rules = readIgnoreFile(root, dockerfile);
  const options = {
    extra,
    ...(rules !== undefined && { ignores: rules.ignores, searchIgnored: rules.hasExceptions }),
  };
  return {
    dockerfile,
    tar: pack(root, options),
    rules: packedRules(root, dockerfile, extra),
    folder: folderOf(root, options),
  };
}

const folderOf = (root: string, options: PackOptions): ContextFolder => ({
  root,
  list: () => listFolder(root, options),
  watch: (onEvent) => watchFolder(root, options, onEvent),
});

function* packedRules(root: string, dockerfile: string, extra: { name: string; content: Buffer }[]): Generator<Buffer> {
  for (const name of [dockerfile, `${dockerfile}.dockerignore`, ".dockerignore"]) {
    const content = extra.find((one) => one.name === name)?.content;
    const path = join(root, name);
    if (content) yield* packedText(name, content);
    else if (existsSync(path)) yield* packedText(name, readFileSync(path));
  }
  yield trailer();
}

/** A folder beside the context, by its own .dockerignore. Throws invalid BAD_CONTEXT. */
export function namedFolder(given: string, cwd: string): ContextFolder {
  const root = folderAt(given, cwd);
  const rules = readIgnoreFile(root, ".dockerignore");
  const options = rules === undefined ? {} : { ignores: rules.ignores, searchIgnored: rules.hasExceptions };
  return folderOf(root, options);
}

/** stdin is a tar (packed or not) or a Dockerfile alone. */
export async function stdinContext(stdin: AsyncIterable<Buffer>, file: string | undefined): Promise<BuildContext> {
  const iterator = stdin[Symbol.asyncIterator]();
  const start: Buffer[] = [];
  let size = 0;
  let over = false;
  while (size < 512 && !over) {
    const next = await iterator.next();
    if (next.done) over = true;
    else {
      start.push(next.value);
      size += next.value.length;
    }
  }
  if (isArchive(Buffer.concat(start))) return { dockerfile: file || "Dockerfile", tar: rest(start, iterator, over) };
  if (file === "-") {
    throw new GantryError(
      "invalid",
      "BAD_CONTEXT",
      "invalid argument: can't use stdin for both build context and dockerfile",
    );
  }
  for (;;) {
    const next = over ? { done: true as const } : await iterator.next();
    if (next.done) break;
    start.push(next.value as Buffer);
  }
  const content = Buffer.concat(start);
  const header = tarHeader({ name: "Dockerfile", type: "file", mode: 0o600, size: content.length, mtime: 0 });
  return { dockerfile: "Dockerfile", tar: [header, content, padding(content.length), trailer()] };
}

async function* rest(start: Buffer[], iterator: AsyncIterator<Buffer>, over: boolean): AsyncGenerator<Buffer> {
  yield* start;
  if (over) return;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

const MAGIC = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

function isArchive(start: Buffer): boolean {
  if (MAGIC.some((magic) => magic.every((byte, at) => start[at] === byte))) return true;
  return start.length >= 512 && start.toString("latin1", 257, 262) === "ustar";
}
