import { GantryError } from "../../base/errors.ts";

/** Linux signal numbers, <asm-generic/signal.h>. */
const NUMBERS: Record<string, number> = Object.fromEntries(
  (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG " +
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
  )
    .split(" ")
    .map((name, index) => [name, index + 1]),
);
const ALIASES: Record<string, string> = { IOT: "ABRT", CLD: "CHLD", POLL: "IO" };
const RTMIN = 34;
const RTMAX = 64;

export const SIGKILL = 9;

/** "SIGTERM", "term", "15", "RTMIN+3" → number. Throws invalid in Docker's words. */
export function signalNumber(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= RTMAX) return number;
    if (number > RTMAX) {
      throw new GantryError("invalid", "NO_SUCH_SIGNAL", `The linux daemon does not support signal ${text}`);
    }
  } else {
    const name = text.toUpperCase().replace(/^SIG/, "");
    const number = NUMBERS[ALIASES[name] ?? name] ?? realTime(name);
    if (number !== undefined) return number;
  }
  throw new GantryError("invalid", "BAD_SIGNAL", `invalid signal: ${text}`);
}

function realTime(name: string): number | undefined {
  const match = name.match(/^RT(MIN|MAX)(?:([+-])(\d+))?$/);
  if (!match) return undefined;
  const base = match[1] === "MIN" ? RTMIN : RTMAX;
  const number = base + (match[2] === "-" ? -1 : 1) * Number(match[3] ?? 0);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/** 15 → "SIGTERM", 37 → "SIGRTMIN+3". */
export function signalName(number: number): string {
  const name = Object.entries(NUMBERS).find(([, known]) => known === number)?.[0];
  if (name !== undefined) return `SIG${name}`;
  return number === RTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - RTMIN}`;
}
