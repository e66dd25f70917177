/** What went wrong, as a closed set. `wire` maps each kind to one HTTP status. */
export type ErrorKind =
  | "notFound"
  | "invalid"
  | "conflict"
  | "notModified"
  | "unauthorized"
  | "forbidden"
  | "unavailable"
  | "notImplemented"
  | "canceled"
  | "deadline"
  | "internal";

export interface ErrorInit {
  /** What the user can do next, one sentence. */
  hint?: string;
  /** Facts for programs: ids, paths, numbers. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * The one error type that crosses a layer. `code` is stable (`NO_SUCH_CONTAINER`); `message` keeps
 * Docker's wording where Docker's clients read it. A plain `Error` means a bug.
 */
export class GantryError extends Error {
  override readonly name = "GantryError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint?: string;
  readonly details?: Record<string, unknown>;

  constructor(kind: ErrorKind, code: string, message: string, init: ErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = kind;
    this.code = code;
    if (init.hint !== undefined) this.hint = init.hint;
    if (init.details !== undefined) this.details = init.details;
  }
}

export const isGantryError = (e: unknown, code?: string): e is GantryError =>
  e instanceof GantryError && (code === undefined || e.code === code);

/** The same error with words before its message; what is no GantryError stays as it is. */
export function prefixed(words: string, error: unknown): unknown {
  if (!(error instanceof GantryError)) return error;
  const { kind, code, message, hint, details } = error;
  return new GantryError(kind, code, `${words}: ${message}`, { hint, details, cause: error });
}

/** The words of any thrown value. */
export const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** A system error's code (`ENOENT`), or undefined. */
export const errnoOf = (e: unknown): string | undefined =>
  typeof e === "object" && e !== null && "code" in e && typeof e.code === "string" ? e.code : undefined;
