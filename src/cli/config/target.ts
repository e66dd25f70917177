import { DEFAULT_HOST } from "../../client/endpoint.ts";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { TlsOptions } from "../../client/transport.ts";
import { tlsOptions, type TlsWish } from "../tls.ts";
import { type ContextMeta, ContextStore, DEFAULT_CONTEXT, type TlsFiles } from "./context-store.ts";

export interface TargetWish extends TlsWish {
  host: readonly string[];
  context?: string;
}

/** Where a command's engine is. */
export interface Target {
  host: string;
  tls?: TlsOptions;
}

type Env = Record<string, string | undefined>;

/** The variable that names a host, if one does. */
export const hostVariable = (env: Env): "GANTRY_HOST" | "DOCKER_HOST" | undefined =>
  env["GANTRY_HOST"] ? "GANTRY_HOST" : env["DOCKER_HOST"] ? "DOCKER_HOST" : undefined;

/** --context, then a host of whatever kind, then DOCKER_CONTEXT, then config.json. Throws Error for --host with --context. */
export function contextName(wish: TargetWish, env: Env, configured: () => string | undefined): string {
  if (wish.context) {
    if (wish.host.length > 0) throw new Error("conflicting options: cannot specify both --host and --context");
    return wish.context;
  }
  if (wish.host.length > 0 || hostVariable(env) !== undefined) return DEFAULT_CONTEXT;
  return env["DOCKER_CONTEXT"] || configured() || DEFAULT_CONTEXT;
}

/** The address that the default context has. */
export function defaultHost(wish: TargetWish, env: Env): string {
  const variable = hostVariable(env);
  return wish.host.at(-1) ?? (variable === undefined ? DEFAULT_HOST : env[variable]!);
}

/** Throws Error for a context that is not there or has no engine. */
export function targetOf(name: string, wish: TargetWish, env: Env, configDir: string): Target {
  if (name === DEFAULT_CONTEXT) {
    const host = defaultHost(wish, env);
    const tls = /^(tcp|http):/.test(host) ? tlsOptions(wish, env, configDir) : undefined;
    return { host, ...(tls && { tls }) };
  }
  const store = new ContextStore(configDir);
  let meta: ContextMeta;
  try {
    meta = store.get(name);
  } catch (error) {
    throw new GantryError(
      "notFound",
      "NO_CONTEXT",
      `Failed to initialize: unable to resolve docker endpoint: ${messageOf(error)}`,
      { hint: "see 'gantry context ls'", cause: error },
    );
  }
  const { docker } = meta.Endpoints;
  if (docker === undefined)
    throw new Error(
      `Failed to initialize: unable to resolve docker endpoint: context ${JSON.stringify(name)} has none`,
    );
  const tls = contextTls(store.tls(name), docker.SkipTLSVerify);
  return { host: docker.Host || DEFAULT_HOST, ...(tls && { tls }) };
}

function contextTls(files: TlsFiles, skipVerify: boolean): TlsOptions | undefined {
  const pems = files["docker"];
  if (pems === undefined && !skipVerify) return undefined;
  const { "ca.pem": ca, "cert.pem": cert, "key.pem": key } = pems ?? {};
  return { verify: !skipVerify, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
