import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsOptions } from "../client/transport.ts";

export interface TlsWish {
  tls: boolean;
  tlsverify: boolean;
  tlscacert?: string;
  tlscert?: string;
  tlskey?: string;
}

/** TLS as flags and DOCKER_TLS_VERIFY, DOCKER_CERT_PATH ask for it; a file that is named must be there. */
export function tlsOptions(
  wish: TlsWish,
  env: Record<string, string | undefined>,
  configDir: string,
): TlsOptions | undefined {
  const verify = wish.tlsverify || Boolean(env["DOCKER_TLS_VERIFY"]);
  if (!verify && !wish.tls) return undefined;
  const folder = env["DOCKER_CERT_PATH"] || configDir;
  const pem = (given: string | undefined, name: string): Buffer | undefined => {
    const path = given ?? join(folder, name);
    return given !== undefined || existsSync(path) ? readFileSync(path) : undefined;
  };
  return {
    verify,
    ca: pem(wish.tlscacert, "ca.pem"),
    cert: pem(wish.tlscert, "cert.pem"),
    key: pem(wish.tlskey, "key.pem"),
  };
}
