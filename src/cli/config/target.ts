import { DEFAULT_HOST } from "../../client/endpoint.ts";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { TlsOptions } from "../../client/transport.ts";
import { tlsOptions } from "../tls.ts";
import { DEFAULT_CONTEXT, defaultHost, type Env, type TargetWish } from "./context-name.ts";
import type { ContextMeta, TlsFiles } from "./context-store.ts";

/** Where a command's engine is. */
export interface Target {
  host: string;
  tls?: TlsOptions;
}

/** Throws Error for a context that is not there or has no engine. */
export async function targetOf(name: string, wish: TargetWish, env: Env, configDir: string): Promise<Target> {
  if (name === DEFAULT_CONTEXT) {
    const host = defaultHost(wish, env);
    const tls = /^(tcp|http):/.test(host) ? tlsOptions(wish, env, configDir) : undefined;
    return { host, ...(tls && { tls }) };
  }
  // With a hash: 2 ms that everyday commands need not pay.
  const { ContextStore } = await import("./context-store.ts");
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
