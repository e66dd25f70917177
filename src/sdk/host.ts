import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_HOST, parseHost } from "../client/endpoint.ts";
import { sshArguments } from "../client/ssh.ts";
import type { TransportOptions } from "../client/transport.ts";
import { connectProgram } from "../drivers/process/programs.ts";

/** Where the engine is, as docker and gantry find it: GANTRY_HOST, DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH. */
export function hostFromEnvironment(env: NodeJS.ProcessEnv): TransportOptions {
  const host = env["GANTRY_HOST"] || env["DOCKER_HOST"] || DEFAULT_HOST;
  const apiVersion = env["DOCKER_API_VERSION"];
  const verify = (env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const folder = env["DOCKER_CERT_PATH"] || join(env["HOME"] ?? "/root", ".docker");
  const pem = (name: string): Buffer => readFileSync(join(folder, name));
  return {
    host,
    ...(apiVersion ? { apiVersion } : {}),
    ...(host.startsWith("tcp:") && verify
      ? { tls: { ca: pem("ca.pem"), cert: pem("cert.pem"), key: pem("key.pem"), verify } }
      : {}),
  };
}

/** How an ssh:// host is reached; undefined: by a plain socket. Throws GantryError invalid BAD_HOST. */
export function dialOf(host: string): TransportOptions["dial"] {
  const endpoint = parseHost(host);
  return endpoint.kind === "ssh" ? () => connectProgram("ssh", sshArguments(endpoint)) : undefined;
}
