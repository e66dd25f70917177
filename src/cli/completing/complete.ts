import type { Context } from "../command.ts";
import { entries, groups } from "../commands.ts";
import { parseFlags, type Values } from "../flags.ts";
import { globalFlags } from "../global-flags.ts";
import type { Output } from "../terminal/output.ts";
import { fittingArguments, fittingValues } from "./fitting.ts";
import type { Candidate, Named } from "./kinds.ts";
import { namesOf } from "./names.ts";
import { type Place, placeOf } from "./place.ts";
import { quoteFor, splitLine, unquote } from "./quoting.ts";

/** Somebody waits at a prompt. */
const PATIENCE_MS = 200;

/** What a shell adds of its own to the candidates. */
type Paths = "" | "files" | "folders";

export interface Answer {
  candidates: Candidate[];
  paths: Paths;
}

/**
 * `gantry __complete SHELL …`, which the shells' scripts call at a Tab. Line by line: files, folders or nothing, for what
 * the shell shall look up by itself; then a candidate and, behind a tab, what it is.
 *  - zsh and fish give the words up to the cursor as they were typed;
 *  - bash gives the line, and the piece of its last word that the answer replaces; it gets the answer quoted.
 */
export async function complete(
  argv: readonly string[],
  out: Output,
  contextOf: (flags: Values<typeof globalFlags>) => Context,
): Promise<number> {
  const [shell = "", ...rest] = argv;
  const line =
    shell === "bash" ? splitLine(rest[0] ?? "") : rest.map((raw) => ({ raw, text: unquote(raw), open: "" as const }));
  const last = line.at(-1) ?? { raw: "", text: "", open: "" as const };
  const words = line.slice(1).map(({ text }) => text);
  const { candidates, paths } = await answerTo(words, contextOf);
  let lines = candidates;
  if (shell === "bash") {
    const replaced = rest[1] ?? "";
    const kept = last.raw.endsWith(replaced) ? unquote(last.raw.slice(0, last.raw.length - replaced.length)) : "";
    lines = candidates.map(({ value, about }) => ({ value: quoteFor(value.slice(kept.length), last.open), about }));
  }
  out.write(`${paths}\n${lines.map(({ value, about }) => `${value}\t${about}\n`).join("")}`);
  return 0;
}

export async function answerTo(
  words: readonly string[],
  contextOf: (flags: Values<typeof globalFlags>) => Context,
): Promise<Answer> {
  const current = words.at(-1) ?? "";
  const place = await placeOf(words);
  const before = place.kind === "value" ? place.before : "";
  const typed = current.slice(before.length);
  const context = (): Context => contextOf(globalsOf(words));
  const found = place.kind === "command" ? commands(place) : place.kind === "flag" ? flags(place) : undefined;
  const { candidates, paths } = found
    ? { candidates: found, paths: "" as const }
    : await fitting(place, typed, context);
  const given = new Set(place.kind === "argument" ? place.given : []);
  const seen = new Set<string>();
  return {
    paths,
    candidates: candidates
      .filter(({ value }) => value.startsWith(typed) && !given.has(value) && !seen.has(value) && seen.add(value))
      // A line of the answer is one candidate; a terminal must not get an engine's control characters.
      .filter(({ value }) => !/\p{Cc}/u.test(value))
      .map(({ value, about }) => ({ value: before + value, about: about.split("\n")[0]!.replace(/\p{Cc}/gu, " ") })),
  };
}

/** The flags before the command, as far as they can be read. */
function globalsOf(words: readonly string[]): Values<typeof globalFlags> {
  for (const upTo of [words.slice(0, -1), []]) {
    try {
      return parseFlags(globalFlags, upTo, false).values;
    } catch {
      // a flag that is not known: as without any
    }
  }
  throw new Error("an empty command line was refused");
}

function commands({ group }: Extract<Place, { kind: "command" }>): Candidate[] {
  const prefix = group === undefined ? "" : `${group.name} `;
  const shown = entries.filter(({ hidden }) => hidden !== true);
  const own = shown.flatMap(({ names, summary }) => {
    const name = names.find((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "));
    return name === undefined ? [] : [{ value: name.slice(prefix.length), about: summary }];
  });
  const more = group === undefined ? groups.map(({ name, summary }) => ({ value: name, about: summary })) : [];
  return [...own, ...more].toSorted((a, b) => (a.value < b.value ? -1 : 1));
}

function flags({ table }: Extract<Place, { kind: "flag" }>): Candidate[] {
  const own = Object.entries(table)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, { usage }]) => ({ value: `--${name}`, about: usage }));
  return [...own, { value: "--help", about: "Print usage" }].toSorted((a, b) => (a.value < b.value ? -1 : 1));
}

async function fitting(place: Place, typed: string, context: () => Context): Promise<Answer> {
  let patterns: readonly string[] = [];
  if (place.kind === "value") patterns = fittingValues(place.entry?.names[0], place.table[place.flag]);
  else if (place.kind === "argument") patterns = fittingArguments(place.command, place.given.length);
  const candidates: Candidate[] = [];
  let paths: Paths = "";
  let over = (): void => {};
  const patience = new Promise<Candidate[]>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS, []);
    over = () => clearTimeout(timer);
  });
  for (const pattern of patterns) {
    if (pattern === "<file>" || pattern === "<folder>") paths = pattern === "<file>" ? "files" : "folders";
    else candidates.push(...(await Promise.race([expand(pattern, typed, context), patience])));
  }
  over();
  return { candidates, paths };
}

/** `container:<running container>` as `container:`, and when that has been typed, with each name. */
async function expand(pattern: string, typed: string, context: () => Context): Promise<Candidate[]> {
  const [, head = "", kind, tail = ""] = /^([^<]*)(?:<([^>]+)>(.*))?$/.exec(pattern) ?? [];
  const key = /^[^=:]*(?:=|:(?:\/\/)?)/.exec(head)?.[0] ?? "";
  if (typed.length < key.length) return [{ value: key, about: "" }];
  if (kind === undefined) return [{ value: head, about: "" }];
  if (!typed.startsWith(head)) return [];
  try {
    const names = await namesOf(kind as Named, context(), typed.slice(head.length));
    return names.map(({ value, about }) => ({ value: head + value + tail, about }));
  } catch {
    // No engine, or one that is not for us: there is nothing to offer, and nobody to tell.
    return [];
  }
}
