import type { ContainerConfig } from "../base/container-config.ts";
import { GantryError } from "../base/errors.ts";
import { signalNumber } from "../engine/containers/signals.ts";
import { healthText, quotedList } from "./go-text.ts";
import type { CommandLine, Instruction, Kind, Of } from "./parse/instruction.ts";
import { normalizeExpose } from "./expose.ts";

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULT_SHELL = ["/bin/sh", "-c"];

/** Instructions that change the image's configuration and nothing else. */
export type MetadataKind = Exclude<Kind, "from" | "run" | "copy" | "add" | "arg" | "maintainer">;

export interface MetadataResult {
  config: ContainerConfig;
  /** What history shows behind `#(nop) `. */
  comment: string;
}

/** The shell that shell forms run in. */
export const shellOf = (config: ContainerConfig): string[] =>
  config.Shell && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;

/** A command line as stored: the shell form behind the shell. */
export const commandOf = (line: CommandLine, config: ContainerConfig): string[] =>
  line.shell && line.words.length > 0 ? [...shellOf(config), ...line.words] : line.words;

/** Sets variables in a `NAME=value` list: known ones keep their place, new ones go to the end. */
export function mergeEnv(env: readonly string[], pairs: readonly { key: string; value: string }[]): string[] {
  const result = [...env];
  for (const { key, value } of pairs) {
    const at = result.findIndex((entry) => entry.split("=", 1)[0] === key);
    if (at < 0) result.push(`${key}=${value}`);
    else result[at] = `${key}=${value}`;
  }
  return result;
}

/** The last value of a name in a `NAME=value` list. */
export function envValue(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/**
 * Applies one (already expanded) instruction. Pure. `cmdSet`: a CMD stands earlier in this stage, so that an
 * ENTRYPOINT leaves it alone. Throws invalid BAD_PORT, BAD_SIGNAL, BAD_WORKDIR.
 */
export function applyMetadata(
  config: ContainerConfig,
  instruction: Instruction & { kind: MetadataKind },
  cmdSet: boolean,
): MetadataResult {
  switch (instruction.kind) {
    case "env":
      return {
        config: { ...config, Env: mergeEnv(config.Env ?? [], instruction.pairs) },
        comment: `ENV ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(" ")}`,
      };
    case "label":
      return {
        config: {
          ...config,
          Labels: { ...config.Labels, ...Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value])) },
        },
        comment: `LABEL ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(" ")}`,
      };
    case "cmd": {
      const words = commandOf(instruction, config);
      return { config: { ...config, Cmd: words }, comment: `CMD ${quotedList(words)}` };
    }
    case "entrypoint":
      return entrypoint(config, instruction, cmdSet);
    case "expose": {
      const ports = instruction.ports.flatMap(normalizeExpose);
      return {
        config: {
          ...config,
          ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports.map((p) => [p, {}])) },
        },
        comment: `EXPOSE ${instruction.ports.join(" ")}`,
      };
    }
    case "volume": {
      if (instruction.paths.includes("")) {
        throw new GantryError("invalid", "BAD_VOLUME", "VOLUME specified can not be an empty string");
      }
      const volumes = Object.fromEntries(instruction.paths.map((path) => [path, {}]));
      return {
        config: { ...config, Volumes: { ...config.Volumes, ...volumes } },
        comment: `VOLUME [${instruction.paths.join(" ")}]`,
      };
    }
    case "user":
      return { config: { ...config, User: instruction.user }, comment: `USER ${instruction.user}` };
    case "workdir": {
      const path = resolveWorkdir(config.WorkingDir, instruction.path);
      return { config: { ...config, WorkingDir: path }, comment: `WORKDIR ${path}` };
    }
    case "shell":
      return { config: { ...config, Shell: instruction.words }, comment: `SHELL [${instruction.words.join(" ")}]` };
    case "stopsignal":
      signalNumber(instruction.signal); // throws for what is none
      return { config: { ...config, StopSignal: instruction.signal }, comment: `STOPSIGNAL ${instruction.signal}` };
    case "healthcheck":
      return {
        config: { ...config, Healthcheck: instruction.health },
        comment: `HEALTHCHECK ${healthText(instruction.health)}`,
      };
    case "onbuild":
      return {
        config: { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.trigger] },
        comment: `ONBUILD ${instruction.trigger}`,
      };
  }
}

function entrypoint(config: ContainerConfig, instruction: Of<"entrypoint">, cmdSet: boolean): MetadataResult {
  const words = commandOf(instruction, config);
  return {
    config: { ...config, Entrypoint: words.length > 0 ? words : null, ...(cmdSet ? {} : { Cmd: null }) },
    comment: `ENTRYPOINT ${quotedList(words)}`,
  };
}

/** WORKDIR against the one before: absolute wins, relative joins; the result is clean and absolute. */
export function resolveWorkdir(before: string | undefined, path: string): string {
  if (path === "") throw new GantryError("invalid", "BAD_WORKDIR", "cannot normalize nothing");
  return cleanPath(path.startsWith("/") ? path : `${before || "/"}/${path}`);
}

/** An absolute path without `.`, `..` and doubled slashes. */
/** An absolute path; a relative one is below the working directory. */
export const inWorkingDir = (config: ContainerConfig, path: string): string =>
  cleanPath(path.startsWith("/") ? path : `${config.WorkingDir || "/"}/${path}`);

export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
