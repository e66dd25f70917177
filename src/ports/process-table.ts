/** The host's processes as `ps` lists them. */
export interface ProcessTable {
  /** Only the rows of `pids`. Throws invalid BAD_PS_ARGS when ps refuses them or shows no PID column. */
  list(pids: number[], psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }>;
}
