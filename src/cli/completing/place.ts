import type { Command } from "../command.ts";
import { commandAt, type CommandEntry, type Group, groups } from "../commands.ts";
import type { FlagTable } from "../flags.ts";
import { globalFlags } from "../global-flags.ts";

/** Where in a command line the cursor is. */
export type Place =
  | { kind: "command"; group?: Group }
  | { kind: "flag"; table: FlagTable }
  /** Of a flag; `before` is what stands before the value in the same word. */
  | { kind: "value"; flag: string; table: FlagTable; before: string; entry?: CommandEntry }
  | { kind: "argument"; command: Command; entry: CommandEntry; given: string[] }
  | { kind: "nowhere" };

interface Walk {
  args: string[];
  /** The flag whose value comes next. */
  open?: string;
  /** What follows are arguments, whatever it looks like. */
  over: boolean;
}

/** Reads finished words as parseFlags does, but takes no offence. */
function walk(table: FlagTable, words: readonly string[], interspersed: boolean): Walk {
  const args: string[] = [];
  let open: string | undefined;
  let over = false;
  for (const word of words) {
    if (open !== undefined) open = undefined;
    else if (over || !word.startsWith("-") || word === "-") {
      args.push(word);
      over ||= !interspersed;
    } else if (word === "--") over = true;
    else open = word.startsWith("--") ? wantsValue(table, word.slice(2)) : lastLetter(table, word.slice(1));
  }
  return { args, open, over };
}

function wantsValue(table: FlagTable, name: string): string | undefined {
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  return flag === undefined || flag.isSwitch === true ? undefined : name;
}

/** Of a cluster such as -it: its last letter's flag, if that waits for a value. */
function lastLetter(table: FlagTable, letters: string): string | undefined {
  for (const [at, letter] of [...letters].entries()) {
    const [name, flag] = Object.entries(table).find(([, { short }]) => short === letter) ?? [];
    if (flag === undefined) return undefined;
    if (flag.isSwitch !== true) return at === letters.length - 1 ? name : undefined;
  }
  return undefined;
}

/** `words` without the program's name; the last is the one that is being typed. */
export async function placeOf(words: readonly string[]): Promise<Place> {
  const current = words.at(-1) ?? "";
  const top = walk(globalFlags, words.slice(0, -1), false);
  const inFlags = flagPlace(globalFlags, top, current);
  if (top.args.length === 0 && inFlags !== undefined) return inFlags;
  const args = top.args[0] === "help" ? top.args.slice(1) : top.args;
  if (args.length === 0) return { kind: "command" };
  const group = groups.find(({ name }) => name === args[0]);
  if (group !== undefined && args.length === 1) return { kind: "command", group };
  const found = commandAt(args);
  if (found === undefined) return { kind: "nowhere" };
  const { entry, rest } = found;
  const command = (await entry.load()).default as Command;
  const own = walk(command.flags, rest, command.stopsAtArgument !== true);
  return flagPlace(command.flags, own, current, entry) ?? { kind: "argument", command, entry, given: own.args };
}

function flagPlace(table: FlagTable, { open, over }: Walk, current: string, entry?: CommandEntry): Place | undefined {
  if (open !== undefined) return { kind: "value", flag: open, table, before: "", entry };
  if (over || !current.startsWith("-")) return undefined;
  const equals = current.indexOf("=");
  if (equals === -1) return { kind: "flag", table };
  const flag = current.slice(2, equals);
  if (!current.startsWith("--") || !Object.hasOwn(table, flag)) return { kind: "nowhere" };
  return { kind: "value", flag, table, before: current.slice(0, equals + 1), entry };
}
