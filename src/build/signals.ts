/** Linux signal names without SIG, at their number. */
const NAMES = [
  "",
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
];
const ALIASES: Record<string, string> = { IOT: "ABRT", CLD: "CHLD", POLL: "IO" };
const LAST_SIGNAL = 64;
const REAL_TIME = /^RTM(?:IN(?:\+(?:[1-9]|1[0-5]))?|AX(?:-(?:[1-9]|1[0-4]))?)$/;

/** The signal's name for "15", "TERM", "SIGTERM", "sigrtmin+3"; undefined if there is none such. */
export function signalName(text: string): string | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number < 1 || number > LAST_SIGNAL) return undefined;
    return NAMES[number] ?? String(number);
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const known = ALIASES[name] ?? name;
  return known !== "" && (NAMES.includes(known) || REAL_TIME.test(known)) ? known : undefined;
}
