import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { PluginAddress } from "./addresses.ts";

/** The newest version of the protocol there is; the older ones differ only in what they lack. */
const MEDIA_TYPE = "application/vnd.docker.plugins.v1.2+json";
const LONGEST_ANSWER = 16 * 1024 * 1024;

const failed = (method: string, why: string): GantryError =>
  new GantryError("internal", "PLUGIN_FAILED", `${method}: ${why}`);

/**
 * One call of a plugin: a POST with a JSON object, answered by another. `within`: milliseconds. Throws what
 * `VolumePlugin` says.
 */
export async function callPlugin(
  { name, address }: { name: string; address: PluginAddress },
  method: string,
  body: object | undefined,
  within: number,
): Promise<Record<string, unknown>> {
  const { status, text } = await post(address, `/${method}`, body, within).catch((cause: unknown): never => {
    if (cause instanceof GantryError) throw cause;
    const where = "socketPath" in address ? address.socketPath : `${address.host}:${address.port}`;
    if (cause instanceof Error && cause.name === "TimeoutError") {
      const words = `plugin ${JSON.stringify(name)} has not answered ${method} within ${within / 1000} s`;
      throw new GantryError("deadline", "PLUGIN_TIMEOUT", words, { cause, hint: `look at the plugin behind ${where}` });
    }
    const words = `plugin ${JSON.stringify(name)} does not answer at ${where}: ${errnoOf(cause) ?? messageOf(cause)}`;
    throw new GantryError("unavailable", "PLUGIN_UNREACHABLE", words, { cause, hint: "is the plugin running?" });
  });
  const answer = objectOf(text);
  const { Err } = answer ?? {};
  if (status !== 200)
    throw failed(method, typeof Err === "string" && Err !== "" ? Err : text.trim() || `HTTP ${status}`);
  if (answer === undefined) throw failed(method, `the plugin's answer is no JSON object: ${text.slice(0, 200)}`);
  if (typeof Err === "string" && Err !== "") throw new GantryError("internal", "PLUGIN_FAILED", Err);
  return answer;
}

function objectOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function post(
  address: PluginAddress,
  path: string,
  body: object | undefined,
  within: number,
): Promise<{ status: number; text: string }> {
  const bytes = Buffer.from(body === undefined ? "" : JSON.stringify(body));
  const headers = { Host: "plugin", Accept: MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Content-Length": bytes.length };
  const options = { method: "POST", path, headers, agent: false, signal: AbortSignal.timeout(within) };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(options.signal.aborted ? (options.signal.reason as Error) : error);
    const receive = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= LONGEST_ANSWER) chunks.push(chunk);
        else response.destroy(failed(path.slice(1), `the plugin's answer is longer than ${LONGEST_ANSWER} bytes`));
      });
      response.on("error", fail);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    };
    const request =
      "tls" in address && address.tls !== undefined
        ? https.request({ ...options, host: address.host, port: address.port, ...credentials(address.tls) }, receive)
        : http.request({ ...options, ...address }, receive);
    request.on("error", fail);
    request.end(bytes);
  });
}

function credentials(tls: { ca?: string; cert?: string; key?: string; insecure: boolean }): https.RequestOptions {
  const read = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : fs.readFileSync(file);
  return { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key), rejectUnauthorized: !tls.insecure };
}
