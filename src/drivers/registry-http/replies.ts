import { STATUS_CODES } from "node:http";
import { GantryError } from "../../base/errors.ts";
import { type Reply, readAll } from "./transport.ts";

const ERROR_BODY_LIMIT = 64 * 1024;

/** What a registry said in an error body, in Docker's words (`manifest unknown: manifest unknown`). */
export interface RegistryComplaint {
  status: number;
  /** The distribution API's code, e.g. MANIFEST_UNKNOWN; "" if the body had none. */
  code: string;
  words: string;
}

const codeFor = (status: number): [string, string] | undefined =>
  status === 401
    ? ["UNAUTHORIZED", "authentication required"]
    : status === 403
      ? ["DENIED", "requested access to the resource is denied"]
      : status === 429
        ? ["TOOMANYREQUESTS", "too many requests"]
        : undefined;

const worded = (code: string, message: string): string => `${code.toLowerCase().replaceAll("_", " ")}: ${message}`;

/** Reads an error answer to its end. */
export async function complaint(reply: Reply): Promise<RegistryComplaint> {
  const text = await readAll(reply.body, ERROR_BODY_LIMIT, "the registry's error message").then(
    (bytes) => bytes.toString("utf8"),
    () => "",
  );
  const fallback = codeFor(reply.status);
  try {
    const parsed = JSON.parse(text) as { errors?: { code?: unknown; message?: unknown }[]; details?: unknown };
    const first = parsed.errors?.[0];
    if (typeof first?.code === "string" && first.code !== "") {
      const message = typeof first.message === "string" ? first.message : "";
      return { status: reply.status, code: first.code, words: worded(first.code, message || "unknown error") };
    }
    if (typeof parsed.details === "string" && fallback) {
      return { status: reply.status, code: fallback[0], words: worded(fallback[0], parsed.details) };
    }
  } catch {
    // not JSON: the status has to do
  }
  if (fallback) return { status: reply.status, code: fallback[0], words: worded(...fallback) };
  const name = STATUS_CODES[reply.status] ?? "";
  return { status: reply.status, code: "", words: `received unexpected HTTP status: ${reply.status} ${name}` };
}

/** The error for a complaint where no operation has a better wording. */
export function refusal(said: RegistryComplaint, hint?: string): GantryError {
  const details = { status: said.status, registryCode: said.code };
  if (said.code === "UNAUTHORIZED" || said.code === "DENIED" || said.status === 401 || said.status === 403) {
    return new GantryError("unauthorized", "REGISTRY_DENIED", said.words, { hint, details });
  }
  if (said.status === 404) return new GantryError("notFound", "MANIFEST_UNKNOWN", said.words, { details });
  if (said.status >= 500) return new GantryError("unavailable", "REGISTRY_UNREACHABLE", said.words, { details });
  return new GantryError("unavailable", "REGISTRY_REFUSED", said.words, { details });
}

export const lied = (message: string): GantryError => new GantryError("invalid", "REGISTRY_LIED", message);
