import { signalName } from "../containers/signals.ts";

const HIGHEST = 64;

/** The signal of an exit code above 128, by name. */
export const signalOf = (code: number): string | undefined =>
  code > 128 && code <= 128 + HIGHEST ? signalName(code - 128) : undefined;

const SIGNALS: Readonly<Record<string, string>> = {
  SIGHUP: "its terminal hung up, or its init asked for a reboot",
  SIGINT: "interrupted, as by Ctrl-C",
  SIGILL: "an instruction that this processor does not have",
  SIGABRT: "the program gave up by itself, often at a failed assertion",
  SIGBUS: "memory behind a file is gone",
  SIGFPE: "a division by zero or the like",
  SIGKILL: "killed at once: by the kernel for memory, by a stop's time-out, or by somebody's kill -9",
  SIGSEGV: "an access to memory that is not its own",
  SIGPIPE: "it wrote to a reader that was gone",
  SIGTERM: "it was asked to end, as stop does first",
  SIGSYS: "a system call that the seccomp profile forbids",
};

/** What an exit code says, by convention: the kernel only knows a number or a signal. Pure. */
export function meaningOf(code: number, started: boolean): string {
  if (!started) {
    if (code === 127) return "it was never started: its program was not found in the image";
    if (code === 126) return "it was never started: its program was found and could not be executed";
    if (code !== 0) return "it was never started: the engine or the runtime failed before its program ran";
  }
  if (code === 0) return "it ended by itself and reports success";
  if (code === 126) return "a shell in it found a command and could not execute it: not executable, or a wrong format";
  if (code === 127) return "a shell in it did not find a command: not installed, or not in PATH";
  const signal = signalOf(code);
  if (signal !== undefined) {
    return `128 + ${code - 128}: ended by ${signal}${SIGNALS[signal] === undefined ? "" : `: ${SIGNALS[signal]}`}`;
  }
  return `it ended by itself with its program's own error code ${code}: its documentation or last lines tell`;
}
