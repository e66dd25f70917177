import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthConfig } from "../wire/types/system.ts";
import type { Context } from "./command.ts";

/** Docker Hub's name in config.json. */
export const HUB = "https://index.docker.io/v1/";

interface StoredAuth {
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
  username?: string;
  password?: string;
}

interface ConfigFile {
  auths?: Record<string, StoredAuth>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
}

const pathOf = (context: Context): string => join(context.configDir, "config.json");

function readConfig(context: Context): ConfigFile {
  let text: string;
  try {
    text = readFileSync(pathOf(context), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  try {
    return JSON.parse(text.trim() === "" ? "{}" : text) as ConfigFile;
  } catch (error) {
    context.err.write(`WARNING: Error parsing config file (${pathOf(context)}): ${(error as Error).message}\n`);
    return {};
  }
}

/** Written beside and moved into place, readable by its owner alone. */
function writeConfig(context: Context, config: ConfigFile): void {
  mkdirSync(context.configDir, { recursive: true, mode: 0o700 });
  const temporary = `${pathOf(context)}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(config, undefined, "\t")}`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, pathOf(context));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The key under which a registry's credentials are kept. */
export const serverKey = (registry: string): string =>
  registry === "docker.io" || registry === "index.docker.io" ? HUB : registry;

const hostOf = (key: string): string => key.replace(/^https?:\/\//, "").split("/")[0]!;

/** What config.json knows of a registry; {} is anonymous. */
export function credentialsFor(context: Context, registry: string): AuthConfig {
  const config = readConfig(context);
  const key = serverKey(registry);
  const helper = config.credHelpers?.[hostOf(key)] ?? config.credsStore;
  const stored =
    config.auths?.[key] ?? Object.entries(config.auths ?? {}).find(([name]) => hostOf(name) === hostOf(key))?.[1];
  if (stored === undefined || Object.keys(stored).length === 0) {
    if (helper) {
      context.err.write(
        `WARNING: credential helper ${JSON.stringify(helper)} is not supported: going on without credentials\n`,
      );
    }
    return {};
  }
  return decode(stored, key);
}

/** All that is known, by registry: a build may pull from several. */
export function allCredentials(context: Context): Record<string, AuthConfig> {
  const { auths = {} } = readConfig(context);
  return Object.fromEntries(
    Object.entries(auths)
      .filter(([, stored]) => Object.keys(stored).length > 0)
      .map(([key, stored]) => [key, decode(stored, key)]),
  );
}

function decode(stored: StoredAuth, serveraddress: string): AuthConfig {
  const { auth, ...rest } = stored;
  if (!auth) return { ...rest, serveraddress };
  const text = Buffer.from(auth, "base64").toString("utf8");
  const at = text.indexOf(":");
  return { ...rest, username: text.slice(0, at), password: text.slice(at + 1).replace(/\0+$/, ""), serveraddress };
}

/** Keeps what a login gave. Gives the file's path. */
export function storeCredentials(context: Context, key: string, given: AuthConfig): string {
  const config = readConfig(context);
  const stored: StoredAuth = {
    auth: Buffer.from(`${given.username ?? ""}:${given.password ?? ""}`).toString("base64"),
    ...(given.identitytoken && { identitytoken: given.identitytoken }),
  };
  writeConfig(context, { ...config, auths: { ...config.auths, [key]: stored } });
  return pathOf(context);
}

/** False: nothing was kept for it. */
export function eraseCredentials(context: Context, key: string): boolean {
  const config = readConfig(context);
  const auths = { ...config.auths };
  const known = Object.keys(auths).filter((name) => name === key || hostOf(name) === hostOf(key));
  if (known.length === 0) return false;
  for (const name of known) delete auths[name];
  writeConfig(context, { ...config, auths });
  return true;
}
