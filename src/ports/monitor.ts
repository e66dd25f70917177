import type { Owner } from "../base/id-map.ts";

/** Of a process in a user namespace: whose on the host its streams shall be, so that it may open /dev/stdout and its kin. */
export interface StreamOwner {
  streamOwner?: Owner;
}

export interface MonitorSpec extends StreamOwner {
  id: string;
  /** OCI bundle folder; the monitor's sockets and pid files live in it. */
  bundle: string;
  runtime: string;
  tty: boolean;
  /** Keep a stdin open for clients that attach. */
  stdin: boolean;
  /** Close the container's stdin when the first client that attached to it leaves. */
  stdinOnce: boolean;
  /** undefined: no log */
  logPath?: string;
  /** Folder of a checkpoint: the container goes on from there, and need not be started. */
  restore?: string;
}

/** A process that is known across a restart of the daemon: pids are reused, start times are not. */
export interface ProcessHandle {
  pid: number;
  /** Clock ticks since boot, /proc/PID/stat field 22. */
  startTime: number;
}

/** What the container writes, in order: each chunk with its stream; and its stdin. */
export interface AttachStream {
  /** Called for every chunk; return a promise to hold the container back until it settles. */
  onOutput(listener: (stream: "stdout" | "stderr", chunk: Buffer) => void): void;
  /** The container ended or the monitor went. */
  onClose(listener: () => void): void;
  write(chunk: Buffer): Promise<void>;
  /** The client will send no more; closes the container's stdin where stdinOnce. */
  endInput(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface ExecSpec extends StreamOwner {
  containerId: string;
  execId: string;
  /** A folder of its own; removed by the caller. */
  folder: string;
  runtime: string;
  /** OCI process, JSON. */
  process: object;
  tty: boolean;
  stdin: boolean;
}

export interface ExecSession {
  pid: number;
  /** Resolves when the process runs, rejects with the runtime's refusal. */
  started(): Promise<void>;
  output: AttachStream;
  /** SIGKILL, if it still runs. */
  kill(): void;
  /** Settles with the exit code once the output has ended. */
  exit: Promise<number>;
}

/**
 * One monitor process per container: it owns the container's stdio, log, terminal and exit code, and outlives the
 * daemon. Errors: invalid OCI_CREATE_FAILED with the runtime's words, translated to Docker's.
 */
export interface Monitor {
  /**
   * Starts the monitor and lets the runtime create the container (not start it), or restore it. Errors besides: invalid
   * RESTORE_FAILED.
   */
  create(spec: MonitorSpec): Promise<{ container: ProcessHandle; monitor: ProcessHandle }>;
  attach(bundle: string): Promise<AttachStream>;
  resize(bundle: string, size: { height: number; width: number }): void;
  /** Tells the monitor to open its log path anew (after a rotation). */
  reopenLog(bundle: string): void;
  /** Runs a further process in the container. */
  exec(spec: ExecSpec): Promise<ExecSession>;
  resizeExec(folder: string, size: { height: number; width: number }): void;
  /** The exit code the monitor recorded, if the container has ended. */
  exitCode(id: string): { code: number; at: number } | undefined;
  forgetExit(id: string): void;
  /** Calls back with the id whenever an exit code is recorded. Returns a function that ends it. */
  watchExits(listener: (id: string) => void): () => void;
  alive(handle: ProcessHandle): boolean;
  /** SIGKILL to a monitor whose container is given up: it records no exit any more. One that is gone is fine. */
  abandon(handle: ProcessHandle): void;
  /**
   * For a daemon that starts: ends the monitors and runtimes that a killed daemon left at work on containers other than
   * `running`, waits until they are gone, and forgets the exits they recorded.
   */
  sweep(running: ReadonlySet<string>): Promise<void>;
}
