/** What a process does at a signal: runs a handler of its own, ignores it, or leaves it to the kernel. */
export type SignalDisposition = "handled" | "ignored" | "default";

/** Processes' signal handlers, as the host sees them. */
export interface ProcessSignals {
  /** `pid`: on the host. undefined when it is gone. */
  disposition(pid: number, signal: number): SignalDisposition | undefined;
}
