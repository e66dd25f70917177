import { GantryError } from "../base/errors.ts";
import type { Of } from "./parse/instruction.ts";

/** Taken from `--build-arg` without an ARG; kept out of history and cache unless declared. */
const PREDEFINED = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

/** These steer the build; no ARG need take them. */
const STEERING = /^BUILDKIT_|^SOURCE_DATE_EPOCH$/;

/**
 * `--build-arg SOURCE_DATE_EPOCH=…` in seconds: what is built says that it was made then, and no file in it is newer.
 * Throws invalid BAD_EPOCH.
 */
export function epochOf(given: Readonly<Record<string, string | null>>): number | undefined {
  const text = given["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === null || text === "") return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new GantryError("invalid", "BAD_EPOCH", `invalid SOURCE_DATE_EPOCH: ${JSON.stringify(text)}`, {
    hint: "seconds since 1970, such as those of git log -1 --format=%ct",
  });
}

/** ARG values of one stage. */
export class StageArgs {
  private readonly given: Readonly<Record<string, string | null>>;
  private readonly globals: ReadonlyMap<string, string>;
  private readonly values = new Map<string, string | undefined>();

  constructor(given: Readonly<Record<string, string | null>>, globals: ReadonlyMap<string, string>) {
    this.given = given;
    this.globals = globals;
  }

  /** ARG inside a stage: `--build-arg` wins, then the default, then the ARG before FROM or a predefined one. */
  declare(args: Of<"arg">["args"]): void {
    for (const { key, value } of args) {
      const given = Object.hasOwn(this.given, key) ? this.given[key] : undefined;
      this.values.set(key, given ?? value ?? this.globals.get(key));
    }
  }

  /** The value of a declared ARG. */
  get(name: string): string | undefined {
    return this.values.get(name);
  }

  /** `NAME=value` of the declared ARGs that have a value and no ENV of that name; sorted. They count for the cache. */
  declared(env: readonly string[]): string[] {
    const hidden = new Set(env.map((entry) => entry.split("=", 1)[0]));
    return [...this.values]
      .flatMap(([key, value]) => (value === undefined || hidden.has(key) ? [] : [`${key}=${value}`]))
      .toSorted();
  }

  /** Proxies given but not declared: RUN sees them, the cache and history don't. */
  proxies(env: readonly string[]): string[] {
    const hidden = new Set([...env.map((entry) => entry.split("=", 1)[0]), ...this.values.keys()]);
    return Object.entries(this.given).flatMap(([key, value]) =>
      PREDEFINED.has(key) && value !== null && !hidden.has(key) ? [`${key}=${value}`] : [],
    );
  }
}

/** `--build-arg` names that no ARG took; sorted. */
export function unusedArgs(given: Readonly<Record<string, string | null>>, declared: ReadonlySet<string>): string[] {
  return Object.keys(given)
    .filter((name) => !declared.has(name) && !PREDEFINED.has(name) && !STEERING.test(name))
    .toSorted();
}
