import { createHash } from "node:crypto";
import path from "node:path";
import type { Entry } from "../../../src/drivers/tar/entry.ts";
import { TarReader } from "../../../src/drivers/tar/reader.ts";
import { isOfTools } from "./base.ts";
import { markOf } from "../../../src/drivers/tar/whiteout.ts";

/** Files before it came with the context or an archive: their times are to be kept. Others were made by the build. */
const RECENT = 1_650_000_000;

/** An image as a build has to make it: what it changes in its base, and what its containers get. */
export interface Built {
  /** Paths (as byte strings) of what is other than in the base; null: deleted. */
  files: Record<string, string | null>;
  config: Record<string, unknown>;
}

interface Node {
  entry: Entry;
  digest: string;
  /** Of the first of its names. */
  name: string;
}

type Tree = Map<string, Node>;

interface Image {
  layers: Buffer[];
  config: { config?: Record<string, unknown>; author?: string };
}

function entriesOf(tar: Buffer, each: (entry: Entry, content: Buffer) => void): void {
  let current: Entry | undefined;
  let content = Buffer.alloc(0);
  const reader = new TarReader(
    {
      entry: (entry) => {
        current = entry;
        content = Buffer.alloc(entry.type === "file" ? entry.size : 0);
      },
      data: (bytes, position) => void bytes.copy(content, position),
      finish: () => current && each(current, content),
    },
    1e6,
  );
  reader.write(tar);
  reader.end();
}

/** Takes an archive of `docker save` apart. */
function open(archive: Buffer): Image {
  const members = new Map<string, Buffer>();
  const links = new Map<string, string>();
  entriesOf(archive, ({ type, name, link }, content) => {
    if (type === "file") members.set(name, content);
    else if (type === "symlink") links.set(name, path.posix.join(path.posix.dirname(name), link));
  });
  const read = (name: string): Buffer => members.get(links.get(name) ?? name) ?? Buffer.alloc(0);
  const [{ Config, Layers }] = JSON.parse(read("manifest.json").toString()) as [{ Config: string; Layers: string[] }];
  return { layers: Layers.map(read), config: JSON.parse(read(Config).toString()) as Image["config"] };
}

/** What the layers make, one over the other. */
function stack(layers: readonly Buffer[]): Tree {
  const tree: Tree = new Map();
  const removeBelow = (name: string): void => {
    for (const key of tree.keys()) if (key.startsWith(`${name}/`)) tree.delete(key);
  };
  for (const layer of layers) {
    const own = new Set<string>();
    entriesOf(layer, (entry, content) => {
      const name = entry.name.replace(/^(\.?\/)+|\/+$/g, "");
      if (name === "" || name === ".") return;
      const mark = markOf(name.split("/"));
      const folder = path.posix.dirname(name);
      if (mark.kind === "opaque") {
        for (const key of tree.keys()) if (key.startsWith(`${folder}/`) && !own.has(key)) tree.delete(key);
      } else if (mark.kind === "whiteout") {
        const gone = path.posix.join(folder, mark.name);
        removeBelow(gone);
        tree.delete(gone);
      } else if (mark.kind === "none") {
        own.add(name);
        if (entry.type !== "dir") removeBelow(name);
        const target = entry.type === "link" ? tree.get(entry.link.replace(/^(\.?\/)+/, "")) : undefined;
        const digest = createHash("sha256").update(content).digest("hex").slice(0, 16);
        tree.set(name, target ?? { entry, digest, name });
      }
    });
  }
  return tree;
}

function describe({ entry, digest }: Node): string {
  const { type, mode, uid, gid, mtime, xattrs } = entry;
  const words: string[] = [type];
  if (type !== "symlink") words.push((mode & 0o7777).toString(8).padStart(4, "0"));
  words.push(`${uid}:${gid}`);
  if (type === "file") words.push(`${entry.size} bytes ${digest}`);
  if (type === "symlink") words.push(`-> ${entry.link}`);
  if (type === "char" || type === "block") words.push(`${entry.major}:${entry.minor}`);
  for (const [name, value] of [...xattrs].toSorted()) words.push(`${name}=${value.toString("base64")}`);
  if (type !== "dir" && mtime.seconds < RECENT) words.push(`of ${mtime.seconds}`);
  return words.join(" ");
}

/** Descriptions by path; the further names of a file tell which it is. */
function described(tree: Tree): Listing {
  const first = new Map<Node, string>();
  const texts = new Map<string, string>();
  for (const name of [...tree.keys()].toSorted()) {
    const node = tree.get(name) as Node;
    const other = first.get(node);
    texts.set(name, other === undefined ? describe(node) : `same as ${other}`);
    first.set(node, other ?? name);
  }
  return texts;
}

const SETTINGS = [
  ...["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "OnBuild"],
  ...["StopSignal", "Healthcheck", "Shell"],
];

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);

export type Listing = ReadonlyMap<string, string>;

/** What is in an image, as `docker save` writes it. */
export const listingOf = (archive: Buffer): Listing => described(stack(open(archive).layers));

/** What an image adds to the base that it stands on. */
export function whatWasBuilt(archive: Buffer, before: Listing): Built {
  const image = open(archive);
  const after = described(stack(image.layers));
  const files: Built["files"] = {};
  for (const name of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    if (before.get(name) !== after.get(name) && !isOfTools(name)) files[name] = after.get(name) ?? null;
  }
  const settings = image.config.config ?? {};
  const config: Record<string, unknown> = {};
  for (const key of SETTINGS) if (!isEmpty(settings[key])) config[key] = settings[key];
  if (image.config.author) config["Author"] = image.config.author;
  return { files, config };
}
