import { DEFAULT_HOST } from "../../client/endpoint.ts";
import type { TlsWish } from "../tls.ts";

/** The context that is not stored: the environment's. */
export const DEFAULT_CONTEXT = "default";

export interface TargetWish extends TlsWish {
  host: readonly string[];
  context?: string;
}

export type Env = Record<string, string | undefined>;

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
