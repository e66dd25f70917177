import type { Gantry } from "../client/gantry.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Target } from "./config/target.ts";
import type { Programs } from "./programs.ts";
import type { Completes, FlagTable, Values } from "./flags.ts";
import type { Output } from "./terminal/output.ts";

/** What a command sees of the world. */
export interface Context {
  out: Output;
  err: Output;
  env: Record<string, string | undefined>;
  /** Where relative paths start. */
  cwd: string;
  /** Switches the terminal on stdin to raw keys and untouched output; the result puts it back. */
  rawTerminal(): Promise<() => void>;
  /** Programs of this machine; the first call loads what starts them. */
  programs(): Promise<Programs>;
  /** The folder of config.json. */
  configDir: string;
  /** What config.json says; read once. */
  config(): ConfigFile;
  /** The context in use; it may not be there. */
  contextName(): string;
  /** The address that the default context has. */
  defaultHost(): string;
  /** Where the engine is. Throws Error for a context that is not there. */
  target(): Promise<Target>;
  /** The engine; the first call loads the client. */
  engine(): Promise<Gantry>;
}

export interface ArgRule {
  min: number;
  max: number;
}

export const noArgs: ArgRule = { min: 0, max: 0 };
export const exactly = (count: number): ArgRule => ({ min: count, max: count });
export const atLeast = (count: number): ArgRule => ({ min: count, max: Infinity });
export const between = (min: number, max: number): ArgRule => ({ min, max });

export interface Command<F extends FlagTable = FlagTable> {
  /** What follows the command's name: "[OPTIONS] CONTAINER [CONTAINER...]". */
  usage: string;
  flags: F;
  args: ArgRule;
  /** What the arguments name, by position; where any number may follow, the last one stands for them. */
  completes?: readonly Completes[];
  /** The first positional ends the flags; what follows belongs to the container. */
  stopsAtArgument?: boolean;
  /** Longer words for the help, instead of the table's line. */
  about?: string;
  /** Titles for flags that belong together, in the help; the others stand before them as "Options". */
  groups?: Readonly<Record<string, readonly string[]>>;
  /** Command lines for the help. */
  examples?: readonly string[];
  /** Gives the exit code; nothing is 0. */
  run(context: Context, args: string[], flags: Values<F>): Promise<number | void>;
}

/** Lets the flags' types flow into `run`. */
export const command = <F extends FlagTable>(definition: Command<F>): Command<F> => definition;
