/** The processes of a container on disk, frozen in the middle of their work (CRIU images). */
export interface Checkpoints {
  /**
   * Can this runtime do it on this machine? Errors: unavailable NO_CRIU, CRIU_UNUSABLE (with CRIU's own reason),
   * RUNTIME_WITHOUT_CRIU.
   */
  require(runtime: string): Promise<void>;
  /** Names of the complete ones in `folder`, sorted; what a killed engine left is completed or taken away first. */
  list(folder: string): string[];
  /**
   * Writes the container's processes to `folder`/`name`, synced; they end, unless `leaveRunning`. On an error they run
   * on and nothing is left. Errors: invalid CHECKPOINT_FAILED with CRIU's reason.
   */
  create(
    container: { runtime: string; id: string },
    folder: string,
    name: string,
    options: { leaveRunning: boolean },
  ): Promise<void>;
  remove(folder: string, name: string): void;
}
