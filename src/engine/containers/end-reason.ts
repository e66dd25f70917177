import { bytesSize } from "../../base/units.ts";
import type { SignalDisposition } from "../../ports/process-signals.ts";
import { SIGKILL, signalName } from "./signals.ts";

/** What somebody asked of a running container that ends it. */
export interface EndRequest {
  by: "stop" | "kill";
  /** The signal that was sent first. */
  signal: number;
  /** `stop` had to send SIGKILL after these seconds. */
  killedAfter?: number;
  /** What process 1 does at `signal`, looked up before that SIGKILL. */
  disposition?: SignalDisposition;
}

/** Why a container ended, where its exit code does not tell. */
export interface EndReason {
  code:
    | "MEMORY_LIMIT"
    | "MEMORY_OF_HOST"
    | "MEMORY_LIMIT_CHILD"
    | "STOP_TIMEOUT"
    | "KILL_REQUEST"
    | "KILLED_ELSEWHERE"
    | "MONITOR_LOST"
    | "SIGNAL";
  /** One sentence. */
  text: string;
}

export interface EndFacts {
  exitCode: number;
  oomKilled: boolean;
  monitorLost: boolean;
  request: EndRequest | undefined;
  /** Bytes; 0: none. */
  memoryLimit: number;
  /** Bytes, the most it had. */
  memoryPeak: number | undefined;
  /** What it runs. */
  command: readonly string[];
}

/** Signals that only a program's own fault brings, by exit code. */
const FAULTS: Readonly<Record<number, string>> = {
  132: "SIGILL: an instruction that this processor does not have",
  134: "SIGABRT: the program gave up by itself",
  135: "SIGBUS: memory behind a file is gone, often /dev/shm being full (--shm-size)",
  136: "SIGFPE: a division by zero or the like",
  139: "SIGSEGV: an access to memory that is not its own",
  159: "SIGSYS: a system call that the seccomp profile forbids",
};

const KILLED = 128 + SIGKILL;

/** Pure: why it ended, if that needs saying. */
export function explainEnd(facts: EndFacts): EndReason | undefined {
  const { exitCode, request } = facts;
  if (facts.monitorLost)
    return { code: "MONITOR_LOST", text: "its monitor (conmon) was killed, so the engine ended it" };
  if (exitCode === KILLED) {
    if (request?.killedAfter !== undefined) {
      return { code: "STOP_TIMEOUT", text: stopTimeout(request, request.killedAfter, facts.command) };
    }
    if (request?.signal === SIGKILL) {
      return { code: "KILL_REQUEST", text: "killed with SIGKILL by a request to the engine (kill, or rm -f)" };
    }
  }
  if (facts.oomKilled) return memory(facts);
  if (exitCode === KILLED) {
    const text =
      "SIGKILL that neither the engine nor a memory limit sent: a process of the host or of the container did, or the program exited with 137 itself";
    return { code: "KILLED_ELSEWHERE", text };
  }
  const fault = FAULTS[exitCode];
  return fault === undefined ? undefined : { code: "SIGNAL", text: `ended by ${fault}` };
}

function memory({ exitCode, memoryLimit, memoryPeak }: EndFacts): EndReason {
  const peak = memoryPeak === undefined ? "" : `, most used ${bytesSize(memoryPeak)}`;
  if (memoryLimit === 0) {
    return { code: "MEMORY_OF_HOST", text: `the kernel killed it: the machine ran out of memory${peak}` };
  }
  const limit = `its memory limit of ${bytesSize(memoryLimit)}${peak}`;
  if (exitCode === KILLED) {
    return { code: "MEMORY_LIMIT", text: `the kernel killed it at ${limit}: raise --memory, or let it use less` };
  }
  return {
    code: "MEMORY_LIMIT_CHILD",
    text: `the kernel killed a process in it at ${limit}; its first process went on`,
  };
}

const SHELL = /(^|\/)(sh|bash|ash|dash|busybox)$/;

/** Whether a shell stands before the program: CMD in shell form, which passes no signal on. */
const isShellForm = ([program = "", option = ""]: readonly string[]): boolean =>
  SHELL.test(program) && /^-[a-z]*c$/.test(option);

function stopTimeout(request: EndRequest, seconds: number, command: readonly string[]): string {
  const signal = signalName(request.signal);
  const late =
    seconds === 0
      ? "stopped with SIGKILL at once, since its time-out is 0"
      : `it did not end within ${seconds} s of ${signal} and got SIGKILL`;
  const why = seconds === 0 ? undefined : whyNot(signal, request.disposition, command);
  return why === undefined ? late : `${late}: ${why}`;
}

function whyNot(
  signal: string,
  disposition: SignalDisposition | undefined,
  command: readonly string[],
): string | undefined {
  switch (disposition) {
    case undefined:
      return undefined;
    case "handled":
      return `it handles ${signal}, and was not done yet: give it longer (stop -t), or see its logs`;
    case "ignored":
      return `its first process ignores ${signal}: set STOPSIGNAL to one that it heeds`;
    case "default":
      return isShellForm(command)
        ? `its first process is a shell, which passes ${signal} on to nobody: write CMD in exec form (["program", "argument"]), put exec before the last command, or use --init`
        : `its first process has no handler for ${signal}, and the kernel gives process 1 none: handle it, set another STOPSIGNAL, or use --init`;
  }
}
