import type { Command } from "../command.ts";
import type { Completes, Flag } from "../flags.ts";

const BOOLEAN = ["true", "false"];
const each = (key: string, values: string): string[] => values.split(" ").map((value) => `${key}=${value}`);

/** Values of filters, by the filter's name and, where a command has its own, the command's. */
const FILTERS: Record<string, readonly string[]> = {
  "ancestor=": ["ancestor=<image>"],
  "before=": ["before=<container>"],
  "images before=": ["before=<image>"],
  "container=": ["container=<container>"],
  "dangling=": each("dangling", "true false"),
  "event=": each("event", "create start die stop kill destroy pause unpause restart pull tag connect disconnect"),
  "health=": each("health", "none starting healthy unhealthy"),
  "image=": ["image=<image>"],
  "is-task=": each("is-task", "true false"),
  "ps name=": ["name=<container>"],
  "network ls driver=": each("driver", "bridge host ipvlan macvlan none"),
  "network ls name=": ["name=<network>"],
  "network=": ["network=<network>"],
  "reference=": ["reference=<image>"],
  "scope=": ["scope=local"],
  "since=": ["since=<container>"],
  "images since=": ["since=<image>"],
  "status=": each("status", "created restarting running removing paused exited dead"),
  "events type=": each("type", "container image network volume daemon builder"),
  "network ls type=": each("type", "builtin custom"),
  "volume ls name=": ["name=<volume>"],
  "volume=": ["volume=<volume>"],
};

const SEVERAL: Record<string, readonly string[]> = {
  object: ["<container>", "<image>", "<network>", "<volume>"],
  "container-file": ["<container>:", "<file>"],
};

/** Words in the manner of Completes' lists. */
const patterns = (completes: Completes): readonly string[] =>
  typeof completes === "string" ? (SEVERAL[completes] ?? [`<${completes}>`]) : completes;

export function fittingValues(entry: string | undefined, flag: Flag<unknown> | undefined): readonly string[] {
  const own = patterns(flag?.completes ?? (flag?.isSwitch === true ? BOOLEAN : []));
  if (flag?.word !== "filter") return own;
  return own.flatMap((key) => FILTERS[`${entry} ${key}`] ?? FILTERS[key] ?? [key]);
}

/** What fits as the argument with that number. */
export function fittingArguments({ completes = [], args, stopsAtArgument }: Command, index: number): readonly string[] {
  const repeats = args.max === Infinity && stopsAtArgument !== true;
  return patterns(completes[index] ?? (repeats ? completes.at(-1) : undefined) ?? []);
}
