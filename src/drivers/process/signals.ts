import fs from "node:fs";
import type { ProcessSignals, SignalDisposition } from "../../ports/process-signals.ts";

/** Reads /proc/PID/status. */
export class ProcSignals implements ProcessSignals {
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
