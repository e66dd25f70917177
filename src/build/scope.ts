import type { Digest } from "../base/image-config.ts";
import type { Hold } from "../engine/images/holds.ts";
import type { KeptContext } from "../ports/context-store.ts";
import type { BuildHost } from "./host.ts";
import type { StageState } from "./stage-state.ts";

/** Begins the name of every workspace of a build, so that a sweep knows them. */
export const WORKSPACE_PREFIX = "build-";

/** What one build opens and holds until it ends. */
export class BuildScope {
  private readonly host: BuildHost;
  private readonly closers: (() => Promise<void>)[] = [];
  /** What the build made itself. */
  private readonly made: Hold;
  private readonly holds: Hold[];

  private constructor(host: BuildHost, made: Hold) {
    this.host = host;
    this.made = made;
    this.holds = [made];
  }

  static async open(host: BuildHost): Promise<BuildScope> {
    return new BuildScope(host, await host.holds.take([]));
  }

  /** Keeps layers that were there before from being removed. */
  async hold(chain: readonly Digest[]): Promise<void> {
    this.holds.push(await this.host.holds.take(chain));
  }

  /** A private folder. */
  async scratch(): Promise<string> {
    const folder = await this.host.files.scratch();
    this.closers.push(() => this.host.files.discard(folder));
    return folder;
  }

  /** A folder of the client's, kept for the next build. */
  async folder(fetch: () => Promise<KeptContext>): Promise<KeptContext> {
    const kept = await fetch();
    kept.keep(() => false);
    this.closers.push(() => kept.release());
    return kept;
  }

  /** A chain's files, read-only. */
  async view(chainId: Digest | undefined): Promise<string> {
    if (chainId === undefined) return this.scratch();
    const view = await this.host.layers.view(`${WORKSPACE_PREFIX}${this.host.ids.id()}`, chainId);
    this.closers.push(() => view.close());
    return view.path;
  }

  /** A chain's files to be changed; nothing of it stays. */
  async draft(chainId: Digest | undefined): Promise<string> {
    const { layers, ids } = this.host;
    const id = `${WORKSPACE_PREFIX}${ids.id()}`;
    this.closers.push(() => layers.removeWorkspace(id));
    return (await layers.mount(id, chainId)).mountPoint;
  }

  /** See StepRoom. The layer it makes is held. */
  async inWorkspace(
    id: string,
    state: StageState,
    work: (root: string, workspaceId: string) => Promise<void>,
    epoch?: number,
  ): Promise<Digest | undefined> {
    const { layers, files } = this.host;
    const workspaceId = `${WORKSPACE_PREFIX}${id}`;
    let done = false;
    try {
      const workspace = await layers.mount(workspaceId, state.chain.at(-1));
      await work(workspace.mountPoint, workspaceId);
      if (files.isEmpty(workspace.upper)) return undefined;
      if (epoch !== undefined) files.clampTimes(workspace.upper, epoch);
      const layer = await layers.addFromWorkspace(workspaceId);
      done = true;
      this.made.add(layer.chainId);
      return layer.chainId;
    } finally {
      if (!done) await layers.removeWorkspace(workspaceId);
    }
  }

  /** Goes on past errors; gives them. */
  async close(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const closer of this.closers.toReversed()) {
      try {
        await closer();
      } catch (error) {
        errors.push(error);
      }
    }
    for (const hold of this.holds) hold.release();
    return errors;
  }
}
