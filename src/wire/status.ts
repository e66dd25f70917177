import type { ErrorKind } from "../base/errors.ts";

const STATUS: Record<ErrorKind, number> = {
  notModified: 304,
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  canceled: 499,
  internal: 500,
  notImplemented: 501,
  unavailable: 503,
  deadline: 504,
};

const KIND = new Map(Object.entries(STATUS).map(([kind, status]) => [status, kind as ErrorKind]));

/** The HTTP status that stands for an error's kind. */
export const statusOf = (kind: ErrorKind): number => STATUS[kind];

/** The kind that a status stands for; unlisted 4xx are `invalid`, all else `internal`. */
export const kindOf = (status: number): ErrorKind =>
  KIND.get(status) ?? (status >= 400 && status < 500 ? "invalid" : "internal");

/** The body of an error answer. `hint` and `code` are Gantry's own; Docker's clients read `message` alone. */
export interface ErrorBody {
  message: string;
  code?: string;
  hint?: string;
}
