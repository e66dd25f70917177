import { type ErrorKind, GantryError, messageOf } from "../../base/errors.ts";
import type { ExtractResult } from "../../ports/archive.ts";
import type { DigestResult, ExtractJob, PackJob, RebuildJob } from "./jobs.ts";

/** What the main thread tells the worker. `id` names the job. */
export type ToWorker =
  | { id: number; kind: "extract"; job: ExtractJob }
  | { id: number; kind: "pack"; job: PackJob }
  | { id: number; kind: "digest"; job: PackJob }
  /** Gives pieces as a pack does. */
  | { id: number; kind: "rebuild"; job: RebuildJob }
  /** Input of an extract; each is answered by `taken`. */
  | { id: number; kind: "bytes"; bytes: Uint8Array }
  | { id: number; kind: "end" }
  /** Asks a pack for one more piece. */
  | { id: number; kind: "pull" }
  | { id: number; kind: "abort" };

/** What the worker tells. `done` and `failed` are a job's last word: it touches nothing any more. */
export type FromWorker =
  | { id: number; kind: "taken" }
  | { id: number; kind: "piece"; bytes: Uint8Array }
  | { id: number; kind: "done"; result: ExtractResult | DigestResult | undefined }
  | { id: number; kind: "failed"; error: WireError };

export interface WireError {
  kind: ErrorKind;
  code: string;
  message: string;
  hint?: string;
}

export function toWire(e: unknown): WireError {
  if (!(e instanceof GantryError)) {
    const message = e instanceof Error ? (e.stack ?? e.message) : messageOf(e);
    return { kind: "internal", code: "ARCHIVE_FAILED", message };
  }
  const { kind, code, message, hint } = e;
  return { kind, code, message, ...(hint === undefined ? {} : { hint }) };
}

export const fromWire = ({ kind, code, message, hint }: WireError): GantryError =>
  new GantryError(kind, code, message, { ...(hint === undefined ? {} : { hint }) });
