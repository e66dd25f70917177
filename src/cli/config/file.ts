import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Output } from "../terminal/output.ts";

export interface StoredAuth {
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
  username?: string;
  password?: string;
}

export interface ProxyConfig {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
  ftpProxy?: string;
  allProxy?: string;
}

/** What of config.json is heeded; all else in it is kept. */
export interface ConfigFile {
  auths?: Record<string, StoredAuth>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  currentContext?: string;
  detachKeys?: string;
  HttpHeaders?: Record<string, string>;
  psFormat?: string;
  imagesFormat?: string;
  statsFormat?: string;
  networksFormat?: string;
  volumesFormat?: string;
  /** By the engine's address; "default" serves all others. */
  proxies?: Record<string, ProxyConfig>;
}

export interface ConfigPlace {
  configDir: string;
  err: Output;
}

export const configPath = ({ configDir }: ConfigPlace): string => join(configDir, "config.json");

/** A file that is not there is empty; one that can't be read as JSON is said and taken as empty. */
export function readConfig(place: ConfigPlace): ConfigFile {
  try {
    return parse(place);
  } catch (error) {
    place.err.write(`WARNING: Error loading config file: ${configPath(place)}: ${(error as Error).message}\n`);
    return {};
  }
}

function parse(place: ConfigPlace): ConfigFile {
  let text: string;
  try {
    text = readFileSync(configPath(place), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  return JSON.parse(text.trim() === "" ? "{}" : text) as ConfigFile;
}

/**
 * Written beside and moved into place, readable by its owner alone; a link stays a link. A file that can't be read as
 * JSON is left as it is: Error. undefined takes a key away.
 */
export function changeConfig(place: ConfigPlace, change: (config: ConfigFile) => Partial<ConfigFile>): void {
  const before = parse(place);
  const config = { ...before, ...change(before) };
  mkdirSync(place.configDir, { recursive: true, mode: 0o700 });
  const path = settled(configPath(place));
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(config, undefined, "\t"), { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const settled = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

const PROXIES = [
  ["HTTP_PROXY", "httpProxy"],
  ["HTTPS_PROXY", "httpsProxy"],
  ["NO_PROXY", "noProxy"],
  ["FTP_PROXY", "ftpProxy"],
  ["ALL_PROXY", "allProxy"],
] as const;

/** The proxy variables, in both cases, for containers and builds of the engine at `host`. */
export function proxyVariables(config: ConfigFile, host: string): [string, string][] {
  const proxy = config.proxies?.[host] ?? config.proxies?.["default"];
  return PROXIES.flatMap(([name, key]): [string, string][] => {
    const value = proxy?.[key];
    if (!value) return [];
    return [
      [name, value],
      [name.toLowerCase(), value],
    ];
  });
}
