import type { Owner } from "../ports/build-files.ts";
import { hashOf, type SourcesDigest } from "./cache.ts";
import { type ModeChange, parseChmod } from "./chmod.ts";
import type { StageWork, StepChange, StepRoom } from "./context.ts";
import { type Copying, findItems, isRemote, type Item, unpacks } from "./copy-sources.ts";
import { inWorkingDir, shellOf } from "./metadata.ts";
import { accountsOf, parseChown } from "./owner.ts";
import { SeenFiles } from "./seen-files.ts";
import type { StageState } from "./stage-state.ts";

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
    const tree = this.room.sourceTree(from);
    const keepOwner = from !== undefined && instruction.chown === undefined;
    const mode = instruction.chmod === undefined ? undefined : parseChmod(instruction.chmod);
    const parents = instruction.kind === "copy" && instruction.parents === true;
    const items = once(() => findItems(this.room, instruction, target));
    const { digest, files } = await this.digest(tree.chainId, instruction, keepOwner, async () => {
      const seen = new SeenFiles();
      const parts: string[] = [];
      for (const item of await items()) {
        const contents = item.fromTree ? tree.contents : undefined;
        const options = {
          ...{ owners: keepOwner, signal: this.room.context.signal, onFile: seen.below(item.path) },
          ...(item.exclude && { exclude: item.exclude }),
          ...(contents && { contents }),
        };
        const digest = item.digest ?? (await this.room.host.files.digest(item.root, item, options));
        parts.push(`${kindName(item)}:${digest}`);
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
        ...(parents ? ["parents"] : []),
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
            await this.copy(item, root, target, { owner, mode, chown: instruction.chown !== undefined });
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
    if (chainId === undefined || instruction.files.length > 0 || instruction.sources.some(isRemote)) return compute();
    const { cache } = this.room;
    const chain = await chainId();
    const parents = instruction.kind === "copy" && instruction.parents === true;
    const key = hashOf(["sources", chain, instruction.sources, instruction.exclude, keepOwner, parents]);
    const known = cache.sources(key);
    if (known !== undefined) return known;
    const computed = await compute();
    cache.putSources(key, { ...computed, chainId: chain });
    return computed;
  }

  private owner(instruction: Copying, keep: boolean, root: string): Owner | undefined {
    if (keep) return undefined;
    const accounts = () => accountsOf(this.room.host.files, root);
    return instruction.chown === undefined ? { uid: 0, gid: 0 } : parseChown(instruction.chown, accounts);
  }

  private async copy(
    item: Item,
    targetRoot: string,
    target: string,
    how: { owner: Owner | undefined; mode: ModeChange | undefined; chown: boolean },
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
      ...(item.exclude === undefined ? {} : { exclude: item.exclude }),
    });
  }
}

/** Where files go: absolute, with a slash at the end when a folder is meant. */
function targetOf(state: StageState, written: string): string {
  const folder = /(?:^|\/)\.{0,2}$/.test(written);
  const path = inWorkingDir(state.config, written);
  return folder && path !== "/" ? `${path}/` : path;
}

const kindName = (item: Item): string => (item.kind === "folder" ? "dir" : "file");

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
