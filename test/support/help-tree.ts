/** What a `--help` in cobra's layout says, read back. */
export interface Help {
  usage: string;
  summary: string;
  /** All ways to call it, without the program's name; empty without aliases. */
  aliases: string[];
  /** Names of the commands below it. */
  commands: string[];
  flags: Map<string, HelpFlag>;
}

export interface HelpFlag {
  short: string;
  /** The word of its value; "" for a switch. */
  word: string;
  shown: string;
}

const isFlag = /^ {2}(?:-(\S), | {4})--([\w-]+)(?: (\S+))?(?: {2,}(.*))?$/;

/** Reads the help of `program`. */
export function parseHelp(text: string, program: string): Help {
  const help: Help = { usage: "", summary: "", aliases: [], commands: [], flags: new Map() };
  const sections = new Map<string, string[]>();
  let current: string[] = [];
  const head = current;
  for (const line of text.split("\n")) {
    const title = /^([A-Z][A-Za-z ]*):$/.exec(line)?.[1];
    if (title === undefined) current.push(line);
    else sections.set(title, (current = []));
  }
  const usageAt = head.findIndex((line) => line.startsWith("Usage:"));
  help.usage = head[usageAt]?.replace(/^Usage: *\S+ */, "") ?? "";
  help.summary = head.slice(usageAt + 1).find((line) => /^\S/.test(line)) ?? "";
  for (const [title, lines] of sections) {
    if (title === "Aliases")
      help.aliases = lines
        .join("")
        .trim()
        .split(", ")
        .map((name) => name.slice(program.length + 1));
    else if (title.endsWith("Commands")) {
      for (const line of lines) {
        const name = /^ {2}([a-z][\w-]*)\*? {2,}/.exec(line)?.[1];
        if (name !== undefined) help.commands.push(name);
      }
    } else if (title.endsWith("Options")) readFlags(lines, help.flags);
  }
  return help;
}

function readFlags(lines: string[], flags: Map<string, HelpFlag>): void {
  let flag: HelpFlag | undefined;
  let words = "";
  const finish = (): void => {
    if (flag !== undefined) flag.shown = /\(default ([^)]*)\)$/.exec(words)?.[1] ?? "";
  };
  for (const line of lines) {
    const [, short = "", name, word = "", rest = ""] = isFlag.exec(line) ?? [];
    if (name === undefined) {
      words += ` ${line.trim()}`;
      words = words.trimEnd();
      continue;
    }
    finish();
    flag = { short, word, shown: "" };
    flags.set(name, flag);
    words = rest;
  }
  finish();
}
