import { GantryError, isGantryError } from "../base/errors.ts";
import type { FoundSource, Owner } from "../ports/build-files.ts";
import { hashOf, type SourcesDigest } from "./cache.ts";
import { fetchSource, isUrl } from "./fetch-source.ts";
import { hasWildcards, pathMatcher } from "./glob.ts";
import { ignored } from "./ignore.ts";
import { inWorkingDir, shellOf } from "./metadata.ts";
import { type Accounts, parseChmod, parseChown } from "./owner.ts";
import { heredocText } from "./parse/heredoc.ts";
import type { Of } from "./parse/instruction.ts";
import type { StageWork, StepChange, StepRoom } from "./context.ts";
import { SeenFiles } from "./seen-files.ts";
import type { StageState } from "./stage-state.ts";

type Copying = Of<"copy"> | Of<"add">;

/** One found source with the folder that it is in. */
interface Item extends FoundSource {
  root: string;
  /** A local ADD that unpacks archives. */
  unpack: boolean;
  /** Found in the context or in what --from names: neither downloaded nor given in place. */
  fromTree?: true;
}

const ACCOUNTS_LIMIT = 1024 * 1024;
const HEREDOC_MODE = 0o644;

/** COPY and ADD. */
export class CopyStep {
  private readonly room: StepRoom;

  constructor(room: StepRoom) {
    this.room = room;
  }

  async plan(work: StageWork, instruction: Copying): Promise<StepChange> {
    const name = instruction.kind.toUpperCase();
    const target = targetOf(work.state, instruction.target);
    const from = instruction.kind === "copy" ? instruction.from : undefined;
    const tree = this.room.sourceTree(from, work.index);
    const exclude = ignored(instruction.exclude.join("\n"));
    const keepOwner = from !== undefined && instruction.chown === undefined;
    const mode = instruction.chmod === undefined ? undefined : parseChmod(instruction.chmod);
    const items = once(() => this.find(work, instruction, target));
    const { digest, files } = await this.digest(tree.chainId, instruction, keepOwner, async () => {
      const seen = new SeenFiles();
      const parts: string[] = [];
      for (const item of await items()) {
        const contents = item.fromTree ? tree.contents : undefined;
        const options = {
          ...{ owners: keepOwner, signal: this.room.context.signal, onFile: seen.below(item.path) },
          ...(exclude && { exclude }),
          ...(contents && { contents }),
        };
        parts.push(`${kindName(item)}:${await this.room.host.files.digest(item.root, item, options)}`);
      }
      return { digest: parts.length === 1 ? (parts[0] ?? "") : `multi:${hashOf(parts)}`, files: seen.list };
    });
    const flags = instruction.chown === undefined ? "" : `--chown=${instruction.chown} `;
    return {
      key: [
        instruction.kind,
        flags,
        instruction.chmod ?? "",
        instruction.exclude,
        digest,
        target,
        unpacks(instruction),
      ],
      inputs: () => [
        ["sources", [...instruction.sources, ...instruction.files.map((file) => file.name)].join(" ")],
        ["target", target],
        ["options", [flags, instruction.chmod ?? "", ...instruction.exclude].join(" ").trim()],
        ...(files.length > 0 ? files : [["content", digest] as const]),
      ],
      createdBy: `${shellOf(work.state.config).join(" ")} #(nop) ${name} ${flags}${digest} in ${instruction.target} `,
      container: false,
      effect: (id, state) =>
        this.room.inWorkspace(id, state, async (root) => {
          const owner = this.owner(instruction, keepOwner, root);
          for (const item of await items()) {
            await this.copy(item, root, target, { owner, mode, exclude, chown: instruction.chown !== undefined });
          }
        }),
    };
  }

  /** The sources' digest; known without opening them when they are layers that were read before. */
  private async digest(
    chainId: (() => Promise<string>) | undefined,
    instruction: Copying,
    keepOwner: boolean,
    compute: () => Promise<SourcesDigest>,
  ): Promise<SourcesDigest> {
    if (chainId === undefined || instruction.files.length > 0 || instruction.sources.some(isUrl)) return compute();
    const { cache } = this.room;
    const chain = await chainId();
    const key = hashOf(["sources", chain, instruction.sources, instruction.exclude, keepOwner]);
    const known = cache.sources(key);
    if (known !== undefined) return known;
    const computed = await compute();
    cache.putSources(key, { ...computed, chainId: chain });
    return computed;
  }

  private async find(work: StageWork, instruction: Copying, target: string): Promise<Item[]> {
    const name = instruction.kind.toUpperCase();
    const { files } = this.room.host;
    const items: Item[] = [];
    for (const source of instruction.sources) {
      if (isUrl(source)) {
        if (instruction.kind === "copy") throw failed(name, "source can't be a URL for COPY");
        const fetched = await fetchSource(this.room, source, instruction, target);
        items.push({ ...fetched, unpack: instruction.unpack === true });
        continue;
      }
      const from = instruction.kind === "copy" ? instruction.from : undefined;
      const tree = this.room.sourceTree(from, work.index);
      if (tree.isContext && climbs(source))
        throw failed(name, `forbidden path outside the build context: ${source} ()`);
      const root = await tree.open();
      try {
        const found = files.find(root, source, hasWildcards(source) ? pathMatcher : undefined);
        items.push(...found.map((one) => ({ ...one, root, unpack: unpacks(instruction), fromTree: true as const })));
      } catch (error) {
        if (!isGantryError(error, "NO_SUCH_FILE")) throw error;
        const shown = source.replace(/^(?:\.?\/)+/, "");
        const where = tree.isContext ? "file not found in build context or excluded by .dockerignore: " : "";
        throw failed(name, `${where}stat ${shown}: file does not exist`);
      }
    }
    if (instruction.files.length > 0) {
      const root = await this.room.scratch();
      for (const file of instruction.files) {
        files.writeText(root, file.name, heredocText(file), HEREDOC_MODE);
        items.push({ path: file.name, kind: "file", root, unpack: false });
      }
    }
    if (items.length === 0) throw failed(name, "no source files were specified");
    if (items.length > 1 && !target.endsWith("/")) {
      const message = `When using ${name} with more than one source file, the destination must be a directory and end with a /`;
      throw new GantryError("invalid", "BAD_COPY", message);
    }
    return items;
  }

  private owner(instruction: Copying, keep: boolean, root: string): Owner | undefined {
    if (keep) return undefined;
    const { files } = this.room.host;
    const accounts = (): Accounts => ({
      passwd: files.readText(root, "/etc/passwd", ACCOUNTS_LIMIT),
      group: files.readText(root, "/etc/group", ACCOUNTS_LIMIT),
    });
    return instruction.chown === undefined ? { uid: 0, gid: 0 } : parseChown(instruction.chown, accounts);
  }

  private async copy(
    item: Item,
    targetRoot: string,
    target: string,
    how: { owner: Owner | undefined; mode: number | undefined; exclude: ReturnType<typeof ignored>; chown: boolean },
  ): Promise<void> {
    const { files, archive } = this.room.host;
    const { signal } = this.room.context;
    if (item.unpack && item.kind === "file") {
      const stream = await files.openArchive(item.root, item.path);
      if (stream) {
        const folder = files.makeFolder(targetRoot, target, how.owner);
        const owner = how.chown && how.owner ? { owner: how.owner } : {};
        await archive.extract(stream, folder, { whiteouts: "plain", signal, ...owner });
        return;
      }
    }
    await files.copy({
      root: item.root,
      source: item,
      targetRoot,
      target,
      signal,
      ...(how.owner === undefined ? {} : { owner: how.owner }),
      ...(how.mode === undefined ? {} : { mode: how.mode }),
      ...(how.exclude === undefined ? {} : { exclude: how.exclude }),
    });
  }
}

/** Where files go: absolute, with a slash at the end when a folder is meant. */
function targetOf(state: StageState, written: string): string {
  const folder = /(?:^|\/)\.{0,2}$/.test(written);
  const path = inWorkingDir(state.config, written);
  return folder && path !== "/" ? `${path}/` : path;
}

const unpacks = (instruction: Copying): boolean => instruction.kind === "add" && instruction.unpack !== false;

const kindName = (item: Item): string => (item.kind === "folder" ? "dir" : "file");

const failed = (name: string, why: string): GantryError =>
  new GantryError("invalid", "BAD_COPY", `${name} failed: ${why}`);

function climbs(path: string): boolean {
  let depth = 0;
  for (const part of path.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
