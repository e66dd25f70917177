import { abandonable } from "../base/abort.ts";
import { Signal } from "../base/mutex.ts";
import { hashOf } from "./cache.ts";
import type { StageWork, StepRoom } from "./context.ts";
import type { BuildHost } from "./host.ts";
import { inWorkingDir } from "./metadata.ts";
import type { MountFlag } from "./parse/instruction.ts";

/** What is known of the folders of `RUN --mount=type=cache`, by their keys. */
export const MOUNTS = "buildMounts";

export interface CacheMountRecord {
  /** What a Dockerfile calls it: its id, or where it is mounted. */
  id: string;
  /** RFC 3339. */
  created: string;
  lastUsed: string;
  uses: number;
}

const MODE = 0o755;

/** Mounts of one folder at several places. */
type Same = [MountFlag, ...MountFlag[]];

interface Taken {
  users: number;
  /** Nobody else may have it meanwhile. */
  alone: boolean;
}

/** The folders that RUNs keep from build to build, and who has which at the moment. */
export class CacheMounts {
  private readonly host: BuildHost;
  private readonly taken = new Map<string, Taken>();
  private readonly released = new Signal<void>();

  constructor(host: BuildHost) {
    this.host = host;
  }

  isInUse(key: string): boolean {
    return this.taken.has(key);
  }

  /**
   * Runs `work` with a folder for each of the cache mounts. `sharing=shared`: beside others; `locked`: when nobody else
   * has it; `private`: one that nobody else has, made anew if need be.
   */
  async use<T>(
    room: StepRoom,
    stage: StageWork,
    flags: readonly MountFlag[],
    work: (folderOf: (flag: MountFlag) => string) => Promise<T>,
  ): Promise<T> {
    const folders = new Map<MountFlag, string>();
    const keys: string[] = [];
    try {
      for (const [key, [flag, ...same]] of await this.wanted(room, stage, flags)) {
        const instance = await this.take(key, flag.sharing ?? "shared", room.context.signal);
        keys.push(instance);
        const folder = await this.open(room, stage, flag, instance);
        for (const one of [flag, ...same]) folders.set(one, folder);
      }
      return await work((flag) => folders.get(flag)!);
    } finally {
      for (const key of keys) this.release(key);
    }
  }

  /** By key, in an order that is the same for all RUNs, so that no two wait for each other. */
  private async wanted(room: StepRoom, stage: StageWork, flags: readonly MountFlag[]): Promise<[string, Same][]> {
    const wanted = new Map<string, Same>();
    for (const flag of flags) {
      if (flag.type !== "cache") continue;
      // What begins as something else is something else.
      const seed = flag.from === undefined ? [] : [await room.sourceTree(flag.from).chainId?.(), flag.source];
      const key = hashOf(["cache", nameOf(stage, flag), ...seed]);
      const same = wanted.get(key);
      if (same) same.push(flag);
      else wanted.set(key, [flag]);
    }
    return [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  private async take(key: string, sharing: NonNullable<MountFlag["sharing"]>, signal: AbortSignal): Promise<string> {
    for (let n = 0; ; n++) {
      const instance = n === 0 ? key : hashOf([key, n]);
      const now = this.taken.get(instance);
      if (now === undefined || (sharing === "shared" && !now.alone)) {
        this.taken.set(instance, { users: (now?.users ?? 0) + 1, alone: sharing !== "shared" });
        return instance;
      }
      if (sharing === "private") continue;
      await abandonable(new Promise<void>((resolve) => this.released.once(resolve)), signal);
      n = -1; // look again
    }
  }

  private release(key: string): void {
    const taken = this.taken.get(key)!;
    if (--taken.users === 0) this.taken.delete(key);
    this.released.fire();
  }

  private async open(room: StepRoom, stage: StageWork, flag: MountFlag, key: string): Promise<string> {
    const { files, state, clock } = this.host;
    const { uid = 0, gid = 0, mode = MODE, from, source = "/" } = flag;
    const folder = await files.cacheFolder(key, {
      ...{ mode, owner: { uid, gid } },
      ...(from !== undefined && {
        fill: async (targetRoot) => {
          const root = await room.sourceTree(from).open();
          const [found] = files.find(root, source);
          const { signal } = room.context;
          if (found) await files.copy({ root, source: found, targetRoot, target: "/", signal });
        },
      }),
    });
    const now = clock.stamp();
    const before = state.get<CacheMountRecord>(MOUNTS, key);
    const value: CacheMountRecord = {
      id: nameOf(stage, flag),
      created: before?.created ?? now,
      lastUsed: now,
      uses: (before?.uses ?? 0) + 1,
    };
    state.commit([{ bucket: MOUNTS, key, value }], { sync: false });
    return folder;
  }
}

const nameOf = ({ state }: StageWork, flag: MountFlag): string =>
  flag.id ?? inWorkingDir(state.config, flag.target ?? "/");
