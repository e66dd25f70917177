/**
 * What a value names, for completion in a shell: the engine's objects by kind (object: of any kind), a place in a
 * container or on this machine (container-file: CONTAINER:PATH or PATH), or one of a list of words. A word may hold a
 * kind: `container:<running container>`; it is offered up to its first "=" or ":" until that has been typed.
 */
export type Completes =
  | "container"
  | "running container"
  | "stopped container"
  | "paused container"
  | "image"
  | "network"
  | "volume"
  | "context"
  | "object"
  | "file"
  | "folder"
  | "container-file"
  | readonly string[];

/**
 * Flags in the manner of pflag, which docker's users have in their fingers: `-ite A=1`, `-p8080:80`, `--rm=false`, `--`.
 * A flag's name is its key in the command's table, so that its value's type follows from the table.
 */
export interface Flag<T> {
  short?: string;
  /** The word after the name in the help; "" for a switch. */
  word: string;
  usage: string;
  initial: T;
  /** What the help calls the default. */
  shown?: string;
  hidden?: boolean;
  completes?: Completes;
  /** Takes a value only with "=": `--rm=false`. */
  isSwitch?: boolean;
  /** Folds one more occurrence into the value. Throws Error with the reason alone. */
  take(text: string, value: T): T;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds flags of many types
export type FlagTable = Record<string, Flag<any>>;
export type Values<F extends FlagTable> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

type Extra = { short?: string; shown?: string; hidden?: boolean; completes?: Completes };

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

export function parseBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
}

export const quote = (text: string): string => JSON.stringify(text);

export const flag = (usage: string, short?: string, extra: Extra = {}): Flag<boolean> => ({
  usage,
  short,
  word: "",
  initial: false,
  isSwitch: true,
  take: parseBool,
  ...extra,
});

/** A switch that is on by default. */
export const flagOn = (usage: string, short?: string, extra: Extra = {}): Flag<boolean> => ({
  ...flag(usage, short, { shown: "true", ...extra }),
  initial: true,
});

/** A switch that tells "not given" from "false". */
export const flagMaybe = (usage: string, short?: string, extra: Extra = {}): Flag<boolean | undefined> => ({
  ...flag(usage, short, extra),
  initial: undefined,
});

export const text = (
  usage: string,
  short?: string,
  extra: Extra & { word?: string } = {},
): Flag<string | undefined> => ({
  usage,
  short,
  word: "string",
  initial: undefined,
  take: (text) => text,
  ...extra,
});

export const textOr = (initial: string, usage: string, short?: string, extra: Extra = {}): Flag<string> => ({
  usage,
  short,
  word: "string",
  initial,
  ...(initial !== "" && { shown: quote(initial) }),
  take: (text) => text,
  ...extra,
});

export const list = (usage: string, short?: string, extra: Extra & { word?: string } = {}): Flag<string[]> => ({
  usage,
  short,
  word: "list",
  initial: [],
  take: (text, value) => [...value, text],
  ...extra,
});

/** Repeatable, and commas part values too. */
export const commaList = (usage: string, short?: string, extra: Extra = {}): Flag<string[]> => ({
  ...list(usage, short, { word: "strings", ...extra }),
  take: (text, value) => [...value, ...text.split(",")],
});

export function parseInteger(text: string): number {
  if (!/^[+-]?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(text)) {
    throw new Error(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  return value;
}

export const integer = (
  usage: string,
  short?: string,
  extra: Extra & { word?: string } = {},
): Flag<number | undefined> => ({
  usage,
  short,
  word: "int",
  initial: undefined,
  take: parseInteger,
  ...extra,
});

/** KEY=VALUE, repeatable; a later one wins. */
export const map = (usage: string, short?: string): Flag<Record<string, string>> => ({
  usage,
  short,
  word: "map",
  initial: {},
  shown: "map[]",
  take: (text, value) => {
    const at = text.indexOf("=");
    return at === -1 ? { ...value, [text]: "" } : { ...value, [text.slice(0, at)]: text.slice(at + 1) };
  },
});

/** KEY=VALUE filters, gathered by key; `keys` are those that the engine knows. */
export const filter = (
  usage: string,
  short?: string,
  keys: readonly string[] = [],
): Flag<Record<string, string[]>> => ({
  usage,
  short,
  word: "filter",
  initial: {},
  ...(keys.length > 0 && { completes: keys.map((key) => `${key}=`) }),
  take: (text, value) => {
    const at = text.indexOf("=");
    if (text === "") return value;
    if (at === -1) throw new Error("bad format of filter (expected name=value)");
    const key = text.slice(0, at).trim().toLowerCase();
    return { ...value, [key]: [...(value[key] ?? []), text.slice(at + 1).trim()] };
  },
});

/** A value of a type of its own. */
export const value = <T>(
  word: string,
  initial: T,
  take: (text: string, value: T) => T,
  usage: string,
  short?: string,
  extra: Extra = {},
): Flag<T> => ({ word, initial, take, usage, short, ...extra });

/** The command line does not fit the table. Exit code 125. */
export class FlagError extends Error {
  readonly suggestion?: string;

  constructor(message: string, suggestion?: string) {
    super(message);
    if (suggestion !== undefined) this.suggestion = suggestion;
  }
}

export interface Parsed<F extends FlagTable> {
  values: Values<F>;
  args: string[];
  help: boolean;
}

/** `interspersed`: flags may follow positionals; otherwise the first positional ends them. */
export function parseFlags<F extends FlagTable>(table: F, argv: readonly string[], interspersed: boolean): Parsed<F> {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, flag]) => [name, flag.initial as unknown]),
  );
  const shorts = new Map(Object.entries(table).flatMap(([name, flag]) => (flag.short ? [[flag.short, name]] : [])));
  const args: string[] = [];
  let help = false;

  const set = (name: string, given: string): void => {
    const flag = table[name]!;
    try {
      values[name] = flag.take(given, values[name]);
    } catch (error) {
      const label = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      throw new FlagError(`invalid argument ${quote(given)} for "${label}" flag: ${(error as Error).message}`);
    }
  };

  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at]!;
    if (word === "--") {
      args.push(...argv.slice(at + 1));
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals === -1 ? undefined : equals);
      if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${word}`);
      const flag = Object.hasOwn(table, name) ? table[name] : undefined;
      if (flag === undefined) {
        if (name !== "help") throw new FlagError(`unknown flag: --${name}`, nearest(name, Object.keys(table)));
        help ||= equals === -1 || parseBool(word.slice(equals + 1));
      } else if (equals !== -1) set(name, word.slice(equals + 1));
      else if (flag.isSwitch) set(name, "true");
      else if (at + 1 < argv.length) set(name, argv[(at += 1)]!);
      else throw new FlagError(`flag needs an argument: --${name}`);
    } else if (word.startsWith("-") && word !== "-") {
      for (let rest = word.slice(1); rest !== ""; ) {
        const letter = rest[0]!;
        const cluster = rest;
        rest = rest.slice(1);
        const name = shorts.get(letter);
        if (name === undefined) {
          if (letter !== "h") throw new FlagError(`unknown shorthand flag: '${letter}' in -${cluster}`);
          help = true;
        } else if (rest.startsWith("=")) {
          set(name, rest.slice(1));
          rest = "";
        } else if (table[name]!.isSwitch) set(name, "true");
        else if (rest !== "") {
          set(name, rest);
          rest = "";
        } else if (at + 1 < argv.length) set(name, argv[(at += 1)]!);
        else throw new FlagError(`flag needs an argument: '${letter}' in -${cluster}`);
      }
    } else if (interspersed) args.push(word);
    else {
      args.push(...argv.slice(at));
      break;
    }
  }
  return { values: values as Values<F>, args, help };
}

/** The candidate that was probably meant: at most two typing errors away, and not a different word altogether. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(2, Math.floor((word.length - 1) / 2));
  for (const candidate of candidates) {
    const distance = typingErrors(word, candidate);
    if (distance <= least && (best === undefined || distance < least)) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Damerau-Levenshtein: a letter too much, missing, wrong, or two swapped. */
function typingErrors(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
