/** An OCI runtime (crun, runc or any other), below the monitor. All methods are idempotent where Docker's are. */
export interface OciRuntime {
  readonly name: string;
  /** Path of the binary. */
  readonly path: string;
  /** Starts a created container. Throws GantryError invalid with Docker's words for exit codes 126 and 127. */
  start(id: string): Promise<void>;
  /** Removes the runtime's state and the cgroup, killing what is left. Missing is fine. */
  remove(id: string): Promise<void>;
  /** This and resume: conflict NOT_RUNNING when it is gone. */
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /**
   * Changes limits of a container that is up: `linux.resources` of the OCI spec, what is left out stays. Throws conflict
   * NOT_RUNNING when it is gone, UPDATE_REFUSED with the runtime's words when runtime or kernel refuse.
   */
  update(id: string, resources: Record<string, unknown>): Promise<void>;
  /** Create, start, wait and delete in one, without a monitor (build steps). Output as it comes; resolves with the exit code. */
  runToEnd(
    id: string,
    bundle: string,
    options: { onOutput: (stream: "stdout" | "stderr", chunk: Buffer) => void; signal?: AbortSignal },
  ): Promise<number>;
}
