import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import { type IdMap, rootOf } from "../../base/id-map.ts";
import type { ContainerView, ContainerViews, ViewMount } from "../../ports/container-views.ts";
import type { ContainerDeps } from "./deps.ts";
import { type ContainerRecord, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { idMapOf } from "./user-namespace.ts";

/** One use of a container's tree from outside: cp, export, commit. */
export interface TreeUse {
  /** Of what was asked for; "" where only the changes are read. */
  root: string;
  /** Of a container in a user namespace: what its ids are in the tree. */
  ids?: IdMap;
  /** Aborted when the client goes, or the container is removed. */
  signal: AbortSignal;
  /** Nobody works in the tree any more. Repeatable. */
  end(): Promise<void>;
}

/** view: with volumes, binds and tmpfs; layers: without; changes: nothing is mounted. */
export type TreeKind = "view" | "layers" | "changes";

type Tree = Pick<ContainerView, "root" | "close">;

/** What Gantry writes for a container and mounts in its /etc. */
const ETC = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

/**
 * Uses of containers' trees from outside, whether the containers run or not. While there is one, the root stays mounted,
 * also when the container ends or starts: a writable layer that was mounted twice would be two different trees.
 */
export class TreeUses {
  private readonly deps: ContainerDeps;
  private readonly views: ContainerViews;

  constructor(deps: ContainerDeps, views: ContainerViews) {
    this.deps = deps;
    this.views = views;
  }

  /** Throws conflict REMOVING, notFound NO_SUCH_CONTAINER. */
  open(entry: ContainerEntry, kind: TreeKind, asked: AbortSignal): Promise<TreeUse> {
    return entry.lock.run(async () => {
      if (asked.aborted) throw whyAborted(asked);
      this.requireThere(entry);
      const controller = new AbortController();
      let ended = (): void => {};
      const handle = {
        abort: () => controller.abort(removed(entry.record)),
        ended: new Promise<void>((resolve) => {
          ended = resolve;
        }),
      };
      entry.uses.add(handle);
      try {
        const tree = await this.tree(entry, kind);
        const end = async (): Promise<void> => {
          if (!entry.uses.delete(handle)) return;
          tree.close();
          ended();
          await entry.lock.run(() => this.unmountIfUnused(entry));
        };
        const ids = this.idsOf(entry.record);
        return { root: tree.root, ...(ids && { ids }), signal: AbortSignal.any([asked, controller.signal]), end };
      } catch (error) {
        entry.uses.delete(handle);
        await this.unmountIfUnused(entry);
        throw error;
      }
    });
  }

  /** Runs `work` on a use, and ends it. */
  async during<T>(
    entry: ContainerEntry,
    kind: TreeKind,
    asked: AbortSignal,
    work: (use: TreeUse) => Promise<T>,
  ): Promise<T> {
    const use = await this.open(entry, kind, asked);
    try {
      return await work(use);
    } catch (error) {
      throw use.signal.aborted ? whyAborted(use.signal) : error;
    } finally {
      await use.end();
    }
  }

  private requireThere(entry: ContainerEntry): void {
    this.deps.registry.find(entry.id);
    const { status } = entry.record.state;
    if (status === "removing" || status === "dead") throw removed(entry.record);
  }

  private async tree(entry: ContainerEntry, kind: TreeKind): Promise<Tree> {
    if (kind === "changes") return { root: "", close() {} };
    const { record } = entry;
    const root = await this.mountedRoot(record);
    if (kind === "layers") return { root, close() {} };
    return this.liveView(record) ?? (await this.ownView(entry, root));
  }

  private async mountedRoot(record: ContainerRecord): Promise<string> {
    const { layers, idMap } = this.deps;
    const current = isUp(record) ? layers.mountedAt(record.id) : undefined;
    if (current !== undefined) return current;
    const remapped = idMapOf(record.hostConfig, idMap) !== undefined; // as the next start has it
    return (await layers.mount(record.id, record.chainId, { remapped })).mountPoint;
  }

  /** What the container's ids are in the tree. */
  private idsOf(record: ContainerRecord): IdMap | undefined {
    return isUp(record) ? record.attachment?.userns?.map : idMapOf(record.hostConfig, this.deps.idMap);
  }

  /** As the running container sees it. */
  private liveView({ state, mounts, hostConfig }: ContainerRecord): ContainerView | undefined {
    if (state.process === undefined) return undefined;
    const destinations = [...mounts.map((row) => row.Destination), ...Object.keys(hostConfig.Tmpfs ?? {}), ...ETC];
    try {
      return this.views.ofProcess(state.process, destinations);
    } catch (error) {
      if (!isGantryError(error, "NOT_RUNNING")) throw error;
      return undefined; // it has just ended
    }
  }

  /** As it would see it if it ran; a tmpfs has nothing in it then. */
  private async ownView(entry: ContainerEntry, root: string): Promise<ContainerView> {
    const { registry, mounts, files } = this.deps;
    const { record } = entry;
    const down = !isUp(record);
    if (down) {
      record.state.intent = "copy";
      registry.save(entry, { sync: false, ending: true });
    }
    try {
      const prepared = await mounts.prepare(record, root);
      const binds = prepared.flatMap(({ type, source, destination, readOnly, folder = true }): ViewMount[] =>
        type === "bind" ? [{ source, destination, readOnly, folder }] : [],
      );
      return this.views.ofTree(root, [...files.etc(record.id), ...binds], rootOf(this.idsOf(record)));
    } finally {
      // The view holds what is mounted in it by itself.
      if (down) await this.giveBack(entry);
    }
  }

  private async giveBack(entry: ContainerEntry): Promise<void> {
    await this.deps.mounts.release(entry.record);
    entry.record.state.intent = undefined;
    this.deps.registry.save(entry, { sync: false, ending: true });
  }

  /** With the lock held. */
  private async unmountIfUnused(entry: ContainerEntry): Promise<void> {
    const { registry, layers, logger } = this.deps;
    if (entry.uses.size > 0 || isUp(entry.record) || registry.tryFind(entry.id) !== entry) return;
    try {
      await layers.unmount(entry.id);
    } catch (error) {
      logger.error("unmounting a container's root", { container: entry.id, error: messageOf(error) });
    }
  }
}

const whyAborted = ({ reason }: AbortSignal): GantryError =>
  isGantryError(reason) ? reason : new GantryError("canceled", "CANCELED", "context canceled");

const removed = ({ name }: ContainerRecord): GantryError =>
  new GantryError("conflict", "REMOVING", `container ${name} is being removed`);
