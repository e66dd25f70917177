import type { Socket } from "node:net";
import { parseHost } from "../client/endpoint.ts";
import type { Gantry } from "../client/gantry.ts";
import type { Command, Context } from "./command.ts";
import { commandAt, type CommandEntry, entries, type Group, groups } from "./commands.ts";
import { type ConfigFile, readConfig } from "./config/file.ts";
import { contextName, defaultHost } from "./config/context-name.ts";
import type { Target } from "./config/target.ts";
import { Exit } from "./exit.ts";
import { FlagError, nearest, parseFlags, type Values } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";
import type { Programs } from "./programs.ts";
import type { Output } from "./terminal/output.ts";

const PROGRAM = "gantry";

export interface World {
  out: Output;
  err: Output;
  env: Record<string, string | undefined>;
  cwd: string;
  /** Switches the terminal on stdin to raw keys and untouched output; the result puts it back. */
  rawTerminal(): Promise<() => void>;
  /** Programs of this machine; the first call loads what starts them. */
  programs(): Promise<Programs>;
}

/** Runs a command line (without the program's name) and gives the exit code. All words of errors are printed here. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const { err } = world;
  try {
    return await dispatch(argv, world);
  } catch (error) {
    if (error instanceof Exit) {
      if (error.message !== "") err.write(`${error.message}\n`);
      return error.status;
    }
    const { describe } = await import("./errors.ts");
    err.write(`${describe(error, world.env["GANTRY_DEBUG"] !== undefined)}\n`);
    return 1;
  }
}

async function dispatch(argv: readonly string[], world: World): Promise<number> {
  if (argv[0] === "__complete") {
    const { complete } = await import("./completing/complete.ts");
    return complete(argv.slice(1), world.out, (flags) => makeContext(world, flags));
  }
  const top = parse(globalFlags, argv, false, "[OPTIONS] COMMAND [ARG...]", "");
  if (top.values.version) {
    const { VERSION } = await import("./version.ts");
    world.out.write(`Gantry version ${VERSION}\n`);
    return 0;
  }
  const words = top.args;
  if (words.length === 0 || (words[0] === "help" && words.length === 1)) {
    world.out.write((await import("./help.ts")).topHelp());
    return 0;
  }
  const wantsHelp = top.help || words[0] === "help";
  const found = find(words[0] === "help" ? words.slice(1) : words);
  if (found.kind === "group") {
    if (found.rest.length > 0 && !found.rest[0]!.startsWith("-")) throw unknownCommand(found.group, found.rest[0]!);
    world.out.write((await import("./help.ts")).groupHelp(found.group));
    return 0;
  }
  const { path, entry, rest } = found;
  const command = (await entry.load()).default as Command;
  const given = parse(command.flags, rest, command.stopsAtArgument !== true, command.usage, path);
  if (wantsHelp || given.help) {
    world.out.write((await import("./help.ts")).commandHelp(path, entry, command));
    return 0;
  }
  checkArgs(path, command, given.args.length);
  const context = makeContext(world, top.values);
  return (await command.run(context, given.args, given.values)) ?? 0;
}

function makeContext(world: World, given: Values<typeof globalFlags>): Context {
  const { env } = world;
  const configDir = given.config ?? env["DOCKER_CONFIG"] ?? `${env["HOME"] ?? "/root"}/.docker`;
  let read: ConfigFile | undefined;
  const config = (): ConfigFile => (read ??= readConfig({ configDir, err: world.err }));
  const current = (): string => contextName(given, env, () => config().currentContext);
  const target = async (): Promise<Target> => {
    const name = current();
    const { targetOf } = await import("./config/target.ts");
    return targetOf(name, given, env, configDir);
  };
  const connect = async (): Promise<Gantry> => {
    const { Gantry } = await import("../client/gantry.ts");
    const apiVersion = env["DOCKER_API_VERSION"] || undefined;
    const { host, tls } = await target();
    const headers = config().HttpHeaders ?? {};
    return new Gantry({ host, apiVersion, tls, headers, dial: await dialler(host, world) });
  };
  let engine: Promise<Gantry> | undefined;
  return {
    ...world,
    configDir,
    config,
    contextName: current,
    defaultHost: () => defaultHost(given, env),
    target,
    engine: () => (engine ??= connect()),
  };
}

/** Only ssh hosts need one. */
async function dialler(host: string, world: World): Promise<(() => Promise<Socket>) | undefined> {
  if (!host.startsWith("ssh://")) return undefined;
  const { sshDial } = await import("./config/ssh.ts");
  const endpoint = parseHost(host);
  return endpoint.kind === "ssh" ? sshDial(endpoint, world.programs) : undefined;
}

type Found =
  | { kind: "group"; group: Group; rest: string[] }
  | { kind: "command"; path: string; entry: CommandEntry; rest: string[] };

function find(words: string[]): Found {
  const found = commandAt(words);
  if (found !== undefined) return { kind: "command", ...found };
  const [first = "", ...rest] = words;
  const group = groups.find((group) => group.name === first);
  if (group === undefined) throw unknownCommand(undefined, first);
  return { kind: "group", group, rest };
}

function unknownCommand(group: Group | undefined, word: string): Exit {
  const prefix = group === undefined ? "" : `${group.name} `;
  const known = entries
    .flatMap((entry) => entry.names)
    .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "))
    .map((name) => name.slice(prefix.length));
  const meant = nearest(word, group === undefined ? [...known, ...groups.map((group) => group.name)] : known);
  const path = `${PROGRAM} ${prefix}`.trimEnd();
  return new Exit(
    1,
    `${PROGRAM}: unknown command: ${path} ${word}\n\n${group === undefined ? "" : `Usage:  ${path}\n\n`}` +
      `Run '${path} --help' for more information${meant === undefined ? "" : `\nhint: did you mean '${path} ${meant}'?`}`,
  );
}

function parse<F extends Parameters<typeof parseFlags>[0]>(
  table: F,
  argv: readonly string[],
  interspersed: boolean,
  usage: string,
  path: string,
): ReturnType<typeof parseFlags<F>> {
  try {
    return parseFlags(table, argv, interspersed);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    const full = `${PROGRAM} ${path}`.trimEnd();
    const hint = error.suggestion === undefined ? "" : `\nhint: did you mean --${error.suggestion}?`;
    throw new Exit(
      125,
      `${error.message}\n\nUsage:  ${full} ${usage}\n\nRun '${full} --help' for more information${hint}`,
    );
  }
}

function checkArgs(path: string, command: Command, count: number): void {
  const { min, max } = command.args;
  if (count >= min && count <= max) return;
  const plural = (n: number): string => `${n} argument${n === 1 ? "" : "s"}`;
  const complaint =
    max === 0
      ? "accepts no arguments"
      : min === max
        ? `requires ${plural(min)}`
        : max === Infinity
          ? `requires at least ${plural(min)}`
          : min === 0
            ? `requires at most ${plural(max)}`
            : `requires at least ${min} and at most ${plural(max)}`;
  const see = max === Infinity ? "See" : "Run";
  throw new Exit(
    1,
    `${PROGRAM}: '${PROGRAM} ${path}' ${complaint}\n\nUsage:  ${PROGRAM} ${path} ${command.usage}\n\n` +
      `${see} '${PROGRAM} ${path} --help' for more information`,
  );
}
