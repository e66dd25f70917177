import { messageOf } from "../base/errors.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { Context } from "./command.ts";
import { changeConfig, configPath, type StoredAuth } from "./config/file.ts";
import { CredentialHelper } from "./credential-helper.ts";

/** Docker Hub's name in config.json. */
export const HUB = "https://index.docker.io/v1/";

type Around = Pick<Context, "config" | "configDir" | "err" | "programs">;

/** The key under which a registry's credentials are kept. */
export const serverKey = (registry: string): string =>
  registry === "docker.io" || registry === "index.docker.io" ? HUB : registry;

const hostOf = (key: string): string => key.replace(/^https?:\/\//, "").split("/")[0]!;

function helperFor(context: Around, key: string): CredentialHelper | undefined {
  const { credHelpers, credsStore } = context.config();
  const name = credHelpers?.[key] ?? credHelpers?.[hostOf(key)] ?? credsStore;
  return name ? new CredentialHelper(context, name) : undefined;
}

/** What is known of a registry; {} is anonymous. A helper that fails is said, and all goes on without. */
export async function credentialsFor(context: Around, registry: string): Promise<AuthConfig> {
  const key = serverKey(registry);
  const helper = helperFor(context, key);
  if (helper !== undefined) return (await attempt(context, helper.get(key))) ?? {};
  const { auths = {} } = context.config();
  const stored = auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
  return stored === undefined || Object.keys(stored).length === 0 ? {} : decode(stored, key);
}

/** All that is known, by registry: a build may pull from several. */
export async function allCredentials(context: Around): Promise<Record<string, AuthConfig>> {
  const { auths = {}, credHelpers = {}, credsStore } = context.config();
  const found = new Map<string, AuthConfig>();
  for (const [key, stored] of Object.entries(auths)) {
    if (!credsStore && Object.keys(stored).length > 0) found.set(key, decode(stored, key));
  }
  const servers = credsStore ? await attempt(context, new CredentialHelper(context, credsStore).list()) : undefined;
  for (const key of new Set([...(servers ?? []), ...Object.keys(credHelpers)])) {
    const known = await attempt(context, helperFor(context, key)!.get(key));
    if (known !== undefined) found.set(key, known);
  }
  return Object.fromEntries(found);
}

async function attempt<T>(context: Around, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    context.err.write(`WARNING: ${messageOf(error)}: going on without credentials\n`);
    return undefined;
  }
}

function decode(stored: StoredAuth, serveraddress: string): AuthConfig {
  const { auth, ...rest } = stored;
  if (!auth) return { ...rest, serveraddress };
  const text = Buffer.from(auth, "base64").toString("utf8");
  const at = text.indexOf(":");
  return { ...rest, username: text.slice(0, at), password: text.slice(at + 1).replace(/\0+$/, ""), serveraddress };
}

/** Keeps what a login gave: with the registry's helper, or in config.json, whose path is given then. */
export async function storeCredentials(context: Around, key: string, given: AuthConfig): Promise<string | undefined> {
  const helper = helperFor(context, key);
  await helper?.store(key, given);
  const stored: StoredAuth =
    helper !== undefined
      ? {}
      : {
          auth: Buffer.from(`${given.username ?? ""}:${given.password ?? ""}`).toString("base64"),
          ...(given.identitytoken && { identitytoken: given.identitytoken }),
        };
  changeConfig(context, ({ auths }) => ({ auths: { ...auths, [key]: stored } }));
  return helper === undefined ? configPath(context) : undefined;
}

/** False: nothing was kept for it. */
export async function eraseCredentials(context: Around, key: string): Promise<boolean> {
  const helper = helperFor(context, key);
  await helper?.erase(key);
  const isMeant = (name: string): boolean => name === key || hostOf(name) === hostOf(key);
  const known = Object.keys(context.config().auths ?? {}).some(isMeant);
  if (known) {
    changeConfig(context, ({ auths = {} }) => ({
      auths: Object.fromEntries(Object.entries(auths).filter(([name]) => !isMeant(name))),
    }));
  }
  return known || helper !== undefined;
}
