import type { Command } from "./command.ts";
import { type CommandEntry, entries, type Group, groups } from "./commands.ts";
import { type FlagTable, flag } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";

const WIDTH = 80;

export const PROGRAM = "gantry";

/** Where -h is something else, the way to the help is said. */
const takesShortHelp = (table: FlagTable): boolean => Object.values(table).some((flag) => flag.short === "h");

/** A table of flags in pflag's layout. */
export function flagsHelp(table: FlagTable): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => flag.hidden !== true)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const short = flag.short === undefined ? "    " : `-${flag.short}, `;
      const left = `  ${short}--${name}${flag.word === "" ? "" : ` ${flag.word}`}`;
      return { left, right: flag.shown === undefined ? flag.usage : `${flag.usage} (default ${flag.shown})` };
    });
  const indent = Math.max(...rows.map((row) => row.left.length)) + 3;
  return rows.map(({ left, right }) => `${left.padEnd(indent)}${wrap(right, indent)}\n`).join("");
}

/** Breaks at blanks; a line may run over by a few letters rather than leave a crumb on the next. */
function wrap(text: string, indent: number): string {
  const slop = 5;
  const room = WIDTH - indent - slop;
  const lines: string[] = [];
  let rest = text;
  while (rest.length >= room + slop) {
    const head = rest.slice(0, room);
    const cut = Math.max(head.lastIndexOf(" "), head.lastIndexOf("\n"));
    if (cut <= 0) break;
    const newline = head.lastIndexOf("\n");
    const at = newline > 0 && newline < cut ? newline : cut;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest].join("\n").replaceAll("\n", `\n${" ".repeat(indent)}`);
}

export function commandHelp(path: string, entry: CommandEntry, command: Command): string {
  const names = entry.names.toSorted((a, b) => b.split(" ").length - a.split(" ").length);
  let help = `Usage:  ${PROGRAM} ${`${path} ${command.usage}`.trimEnd()}\n\n${command.about ?? entry.summary}\n`;
  if (names.length > 1) help += `\nAliases:\n  ${names.map((name) => `${PROGRAM} ${name}`).join(", ")}\n`;
  if (command.examples !== undefined) {
    help += `\nExamples:\n${command.examples.map((line) => `  ${line}\n`).join("")}`;
  }
  for (const [title, flags] of flagGroups(command)) help += `\n${title}:\n${flagsHelp(flags)}`;
  return help;
}

/** The flags by title; those that have no group of their own first. */
function* flagGroups({ flags, groups = {} }: Command): Generator<[string, FlagTable]> {
  const only = (wanted: (name: string) => boolean): FlagTable =>
    Object.fromEntries(Object.entries(flags).filter(([name]) => wanted(name)));
  const grouped = new Set(Object.values(groups).flat());
  const rest = only((name) => !grouped.has(name));
  if (takesShortHelp(flags)) rest["help"] = flag("Print usage");
  if (Object.keys(rest).length > 0) yield ["Options", rest];
  for (const [title, names] of Object.entries(groups)) yield [title, only((name) => names.includes(name))];
}

const rows = (pairs: [string, string][]): string =>
  pairs.map(([name, summary]) => `  ${name.padEnd(11)} ${summary}\n`).join("");

export function groupHelp(group: Group): string {
  const prefix = `${group.name} `;
  const pairs = entries
    .filter((entry) => entry.hidden !== true)
    .flatMap((entry) => {
      const name = entry.names.find((name) => name.startsWith(prefix));
      return name === undefined ? [] : [[name.slice(prefix.length), entry.summary] as [string, string]];
    })
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    `Usage:  ${PROGRAM} ${group.name} COMMAND\n\n${group.summary}\n\nCommands:\n${rows(pairs)}\n` +
    `Run '${PROGRAM} ${group.name} COMMAND --help' for more information on a command.\n`
  );
}

export function topHelp(): string {
  const top = entries.flatMap((entry) => {
    const name = entry.names.find((name) => !name.includes(" "));
    return name === undefined ? [] : [{ name, entry }];
  });
  const pairs = (common: boolean): [string, string][] =>
    top.filter(({ entry }) => (entry.common === true) === common).map(({ name, entry }) => [name, entry.summary]);
  return (
    `Usage:  ${PROGRAM} [OPTIONS] COMMAND\n\nContainers, images, networks and volumes, driven by gantryd\n\n` +
    `Common Commands:\n${rows(pairs(true))}\n` +
    `Management Commands:\n${rows(groups.map((group) => [group.name, group.summary]))}\n` +
    `Commands:\n${rows(pairs(false).toSorted(([a], [b]) => (a < b ? -1 : 1)))}\n` +
    `Global Options:\n${flagsHelp(globalFlags)}\n` +
    `Run '${PROGRAM} COMMAND --help' for more information on a command.\n`
  );
}
