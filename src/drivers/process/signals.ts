import fs from "node:fs";
import type { ProcessHandle } from "../../ports/monitor.ts";
import type { ProcessSignals, SignalDisposition } from "../../ports/process-signals.ts";
import { signalProcess } from "../syscalls/pidfd.ts";
import { processStartTime } from "./handle.ts";

/** By pidfd_send_signal(2); handlers from /proc/PID/status. */
export class ProcSignals implements ProcessSignals {
  send({ pid, startTime }: ProcessHandle, signal: number): boolean {
    return signalProcess(pid, signal, () => processStartTime(pid) === startTime);
  }

  disposition(pid: number, signal: number): SignalDisposition | undefined {
    let status: string;
    try {
      status = fs.readFileSync(`/proc/${pid}/status`, "latin1");
    } catch {
      return undefined;
    }
    const isSet = (mask: string): boolean => {
      const bits = new RegExp(`^${mask}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0";
      return ((BigInt(`0x${bits}`) >> BigInt(signal - 1)) & 1n) === 1n;
    };
    return isSet("SigCgt") ? "handled" : isSet("SigIgn") ? "ignored" : "default";
  }
}
