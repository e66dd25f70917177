import type { ProcessHandle } from "./monitor.ts";

/** What a process does at a signal: runs a handler of its own, ignores it, or leaves it to the kernel. */
export type SignalDisposition = "handled" | "ignored" | "default";

/** Signals to processes, and their handlers, as the host sees them. */
export interface ProcessSignals {
  /** False: the process is gone. One that has its pid now is left alone. */
  send(process: ProcessHandle, signal: number): boolean;
  /** `pid`: on the host. undefined when it is gone. */
  disposition(pid: number, signal: number): SignalDisposition | undefined;
}
