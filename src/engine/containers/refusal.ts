import { GantryError } from "../../base/errors.ts";
import type { Rootfs } from "../../ports/rootfs.ts";
import { type ExecFacts, explainExec } from "./spec/explain-exec.ts";

/** Refusals of a runtime that the image's files may explain. */
const ABOUT_THE_COMMAND = new Set(["COMMAND_NOT_FOUND", "COMMAND_IS_FOLDER", "COMMAND_NOT_EXECUTABLE", "EXEC_FORMAT"]);

/** The runtime's refusal to start a command, with the reason that the image's files show where they show one. */
export function explainRefusal(error: unknown, rootfs: Rootfs, facts: ExecFacts): unknown {
  if (!(error instanceof GantryError) || !ABOUT_THE_COMMAND.has(error.code)) return error;
  const reason = explainExec(rootfs, facts);
  if (!reason) return error;
  const message = `${String(error.details?.["head"])}: ${reason.message}: unknown`;
  return new GantryError(reason.kind, reason.code, message, {
    ...(reason.hint === undefined ? {} : { hint: reason.hint }),
    details: { ...error.details, ...reason.details },
    cause: error,
  });
}
