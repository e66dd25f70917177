import { GantryError } from "../../base/errors.ts";
import type { Checkpoints } from "../../ports/checkpoints.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ContainerEntry } from "./registry.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export interface CheckpointRequest {
  name: string;
  /** A folder of the user's instead of the container's own. */
  folder?: string;
  /** The container ends with it. */
  exit: boolean;
}

/** Checkpoints of containers: made, listed, removed; a start may begin at one. */
export class ContainerCheckpoints {
  private readonly deps: Pick<ContainerDeps, "registry" | "files" | "publish"> & { checkpoints: Checkpoints };
  private readonly lifecycle: Lifecycle;

  constructor(
    deps: Pick<ContainerDeps, "registry" | "files" | "publish"> & { checkpoints: Checkpoints },
    lifecycle: Lifecycle,
  ) {
    this.deps = deps;
    this.lifecycle = lifecycle;
  }

  /** Errors: conflict NOT_RUNNING, CHECKPOINT_EXISTS; invalid BAD_CHECKPOINT_NAME, TTY; and those of the port. */
  async create(entry: ContainerEntry, request: CheckpointRequest): Promise<void> {
    const { checkpoints } = this.deps;
    const { record } = entry;
    const { name, exit } = request;
    if (!NAME.test(name)) {
      throw new GantryError(
        "invalid",
        "BAD_CHECKPOINT_NAME",
        `Invalid checkpoint ID (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      );
    }
    const folder = this.folder(entry, request.folder);
    await entry.lock.run(async () => {
      if (record.state.status !== "running") {
        throw new GantryError("conflict", "NOT_RUNNING", `Container ${record.name} not running`);
      }
      if (record.config.Tty) {
        throw new GantryError("invalid", "TTY", "checkpoint not support on containers with tty");
      }
      if (checkpoints.list(folder).includes(name)) {
        throw new GantryError(
          "conflict",
          "CHECKPOINT_EXISTS",
          `checkpoint with name ${name} already exists for container ${record.name}`,
        );
      }
      const runtime = record.hostConfig.Runtime ?? "";
      await checkpoints.require(runtime);
      const stopped = record.state.manuallyStopped;
      // Its end is wanted, and --rm must not take the checkpoint away with the container.
      if (exit) Object.assign(record.state, { manuallyStopped: true });
      entry.kept = exit;
      try {
        await checkpoints.create({ runtime, id: entry.id }, folder, name, { leaveRunning: !exit });
      } catch (error) {
        record.state.manuallyStopped = stopped;
        entry.kept = false;
        throw error;
      }
    });
    if (exit) await this.lifecycle.whenDown(entry);
    entry.kept = false;
    this.deps.publish(entry, "checkpoint");
  }

  list(entry: ContainerEntry, folder: string | undefined): Promise<string[]> {
    return entry.lock.run(async () => this.deps.checkpoints.list(this.folder(entry, folder)));
  }

  /** Errors: notFound NO_SUCH_CHECKPOINT. */
  async remove(entry: ContainerEntry, name: string, folder: string | undefined): Promise<void> {
    await this.find(entry, name, folder);
    this.deps.checkpoints.remove(this.folder(entry, folder), name);
  }

  /** Where it lies. Errors: notFound NO_SUCH_CHECKPOINT. */
  async find(entry: ContainerEntry, name: string, folder: string | undefined): Promise<string> {
    if (!(await this.list(entry, folder)).includes(name)) {
      throw new GantryError(
        "notFound",
        "NO_SUCH_CHECKPOINT",
        `checkpoint ${name} does not exist for container ${entry.record.name}`,
        { hint: `gantry checkpoint ls ${entry.record.name} shows those that do` },
      );
    }
    return `${this.folder(entry, folder)}/${name}`;
  }

  private folder(entry: ContainerEntry, given: string | undefined): string {
    if (given !== undefined && !given.startsWith("/")) {
      throw new GantryError("invalid", "BAD_PATH", `checkpoint directory ${given} is not an absolute path`);
    }
    return given ?? this.deps.files.paths(entry.id).checkpoints;
  }
}
