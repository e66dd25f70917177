import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseHost } from "../../client/endpoint.ts";
import { messageOf } from "../../base/errors.ts";
import type { Context } from "../command.ts";
import { fileError } from "../file-errors.ts";
import { parseBool, value } from "../flags.ts";
import { DEFAULT_CONTEXT } from "./context-name.ts";
import { type ContextMeta, ContextStore, type TlsFiles } from "./context-store.ts";

/** `--docker host=…,ca=…`; undefined when not given. */
export const dockerFlag = value<Record<string, string> | undefined>(
  "stringToString",
  undefined,
  (text, before) => {
    const pairs = text.split(",").map((pair): [string, string] => {
      const at = pair.indexOf("=");
      if (at === -1) throw new Error(`${pair} must be formatted as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    return { ...before, ...Object.fromEntries(pairs) };
  },
  "set the docker endpoint",
  undefined,
  { shown: "[]", completes: ["ca=", "cert=", "from=", "host=", "key=", "skip-tls-verify="] },
);

export const DOCKER_KEYS = `Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation
`;

type Endpoints = Pick<ContextMeta, "Endpoints"> & { tls: TlsFiles };

/** A context as it is stored; the default one as the flags, the environment and ~/.docker make it. */
export async function wholeContext(context: Context, name: string): Promise<{ meta: ContextMeta; tls: TlsFiles }> {
  if (name !== DEFAULT_CONTEXT) {
    const store = new ContextStore(context.configDir);
    return { meta: store.get(name), tls: store.tls(name) };
  }
  const { tls } = context.contextName() === DEFAULT_CONTEXT ? await context.target() : {};
  const pems = Object.entries({ "ca.pem": tls?.ca, "cert.pem": tls?.cert, "key.pem": tls?.key }).flatMap(
    ([file, pem]): [string, Buffer][] => (pem === undefined ? [] : [[file, Buffer.from(pem)]]),
  );
  return {
    meta: {
      Name: name,
      Metadata: { Description: "Current DOCKER_HOST based configuration" },
      Endpoints: { docker: { Host: context.defaultHost(), SkipTLSVerify: tls?.verify === false } },
    },
    tls: pems.length === 0 ? {} : { docker: Object.fromEntries(pems) },
  };
}

/** The endpoint that `--docker` describes. Throws Error in docker's words. */
export async function endpointOf(context: Context, given: Record<string, string>): Promise<Endpoints> {
  try {
    return await readEndpoint(context, given);
  } catch (error) {
    throw new Error(`unable to create docker endpoint config: ${messageOf(error)}`, { cause: error });
  }
}

async function readEndpoint(context: Context, given: Record<string, string>): Promise<Endpoints> {
  const { from, host, ca, cert, key, "skip-tls-verify": skip, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Error(`unrecognized config key: ${unknown}`);
  if (from !== undefined) {
    const { meta, tls } = await wholeContext(context, from);
    return { Endpoints: { docker: meta.Endpoints.docker! }, tls };
  }
  const pems = Object.entries({ "ca.pem": ca, "cert.pem": cert, "key.pem": key }).flatMap(
    ([file, path]): [string, Buffer][] => (path === undefined ? [] : [[file, readPem(context, path)]]),
  );
  let verify = true;
  try {
    if (skip !== undefined) verify = !parseBool(skip);
  } catch (error) {
    throw new Error(`skip-tls-verify: ${messageOf(error).replace("strconv.ParseBool: ", "")}`, { cause: error });
  }
  if (host !== undefined) {
    try {
      parseHost(host);
    } catch (error) {
      throw new Error(`unable to apply docker endpoint options: ${messageOf(error)}`, { cause: error });
    }
  }
  return {
    Endpoints: { docker: { ...(host !== undefined && { Host: host }), SkipTLSVerify: !verify } },
    tls: pems.length === 0 ? {} : { docker: Object.fromEntries(pems) },
  };
}

function readPem(context: Context, path: string): Buffer {
  let data: Buffer;
  try {
    data = readFileSync(resolve(context.cwd, path.replace(/^~(?=\/)/, context.env["HOME"] ?? "~")));
  } catch (error) {
    throw fileError("open", path, error);
  }
  if (!data.includes("-----BEGIN ")) {
    const what = "invalid docker endpoint options: failed to retrieve context tls info";
    throw new Error(`${what}: ${path} seems invalid`);
  }
  return data;
}
