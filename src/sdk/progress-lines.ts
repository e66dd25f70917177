import { type ErrorKind, GantryError } from "../base/errors.ts";
import type { ProgressLine } from "../wire/types/images.ts";

/** How far a pull, push, load or import is. */
export interface TransferEvent {
  /** A layer's short id, where the event is about one. */
  id?: string;
  /** "Downloading", "Pull complete" … */
  status: string;
  /** Bytes so far, and of all where that is known. */
  current?: number;
  total?: number;
}

/** Passes the lines on; one that tells of an error is thrown. */
export async function* checked(lines: AsyncIterable<ProgressLine>): AsyncGenerator<ProgressLine> {
  for await (const line of lines) {
    const { error, errorDetail } = line;
    if (error === undefined && errorDetail === undefined) {
      yield line;
      continue;
    }
    throw streamError(errorDetail ?? { message: error ?? "" });
  }
}

/** gantryd says the kind itself; of dockerd's errors the words tell, as far as they are known. */
function streamError({ message, hint, code, kind, reason }: NonNullable<ProgressLine["errorDetail"]>): GantryError {
  const [, ...guessed] = KINDS.find(([words]) => words.test(message)) ?? [/./, "internal", "DAEMON_ERROR"];
  const details = code === undefined ? undefined : { exitCode: code };
  return new GantryError(kind ?? guessed[0], reason ?? guessed[1], message, { hint, details });
}

const KINDS: [words: RegExp, kind: ErrorKind, code: string][] = [
  [/returned a non-zero code/, "invalid", "RUN_FAILED"],
  [/unauthorized|authentication required|no basic auth credentials/i, "unauthorized", "REGISTRY_DENIED"],
  [/denied/i, "forbidden", "REGISTRY_DENIED"],
  [/manifest unknown|not found|does not exist|no such/i, "notFound", "NOT_FOUND"],
  [/cancell?ed/i, "canceled", "CANCELED"],
  [/dial tcp|connection refused|timeout|TLS handshake/i, "unavailable", "REGISTRY_UNREACHABLE"],
  [/dockerfile parse error|unknown instruction|failed to parse|invalid/i, "invalid", "BAD_REQUEST"],
];

export const transferOf = ({ id, status, stream, progressDetail }: ProgressLine): TransferEvent => ({
  status: status ?? stream?.trimEnd() ?? "",
  ...(id === undefined ? {} : { id }),
  ...(progressDetail?.current === undefined ? {} : { current: progressDetail.current }),
  ...(progressDetail?.total === undefined ? {} : { total: progressDetail.total }),
});
