import { errnoOf, GantryError, messageOf } from "../base/errors.ts";
import { type ErrorBody, kindOf } from "../wire/status.ts";
import { gather } from "./bodies.ts";
import type { Endpoint } from "./endpoint.ts";

/** What an answer of status 400 or more says. */
export async function errorOf(answer: { status: number; body: AsyncIterable<Buffer> }): Promise<GantryError> {
  const text = (await gather(answer.body)).toString("utf8").trim();
  const details = { status: answer.status };
  let body: Partial<ErrorBody> = {};
  try {
    body = JSON.parse(text) as Partial<ErrorBody>;
  } catch {
    body = { message: text };
  }
  const message = typeof body?.message === "string" && body.message !== "" ? body.message : `status ${answer.status}`;
  return new GantryError(kindOf(answer.status), body?.code ?? "DAEMON_ERROR", message, {
    details,
    ...(body?.hint !== undefined && { hint: body.hint }),
  });
}

/** True for what an engine answered, as against a failure on this side. */
export const isFromDaemon = (error: unknown): error is GantryError =>
  error instanceof GantryError && error.details?.["status"] !== undefined;

/** An error on this side as the caller is told of it: the signal's reason, or where the connection failed. */
export function failureOf(error: unknown, endpoint: Endpoint, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof GantryError) return error;
  const code = errnoOf(error);
  const { text } = endpoint;
  const syscall = (error as NodeJS.ErrnoException | undefined)?.syscall;
  // Errors of a body's source (a file that can't be read) pass as they are.
  if (code !== undefined && !["connect", "read", "write", "getaddrinfo", undefined].includes(syscall)) return error;
  if (syscall === "connect" && (code === "EACCES" || code === "EPERM")) {
    return new GantryError(
      "forbidden",
      "ENGINE_FORBIDDEN",
      `permission denied while trying to connect to the Gantry daemon at ${text}`,
      { hint: "run as root, or join the group that owns the socket", cause: error },
    );
  }
  if (syscall === "connect" || syscall === "getaddrinfo") {
    return new GantryError(
      "unavailable",
      "ENGINE_UNREACHABLE",
      `Cannot connect to the Gantry daemon at ${text}. Is gantryd running?`,
      { hint: "start one with: gantryd &  (or npm start)", cause: error },
    );
  }
  return new GantryError("unavailable", "CONNECTION_LOST", `error during connect: ${messageOf(error)}`, {
    cause: error,
    ...(endpoint.kind === "ssh" && {
      hint: `gantry (or docker) must be installed on ${endpoint.host}, and 'ssh ${endpoint.host} true' must work without a question`,
    }),
  });
}
