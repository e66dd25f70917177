import { GantryError } from "../../base/errors.ts";
import { refusalHead } from "../../base/runtime-words.ts";
import type { Rootfs } from "../../ports/rootfs.ts";
import { type ExecFacts, explainExec } from "./spec/explain-exec.ts";

/** Refusals of a runtime that the image's files may explain. */
const ABOUT_THE_COMMAND = new Set(["COMMAND_NOT_FOUND", "COMMAND_IS_FOLDER", "COMMAND_NOT_EXECUTABLE", "EXEC_FORMAT"]);

/** What the kernel refuses in any case. Runtimes find out when the container counts as started, and say little. */
const HOPELESS = new Set(["EXEC_CRLF", "EXEC_NO_INTERPRETER", "EXEC_NO_LOADER"]);

/** As hopeless, unless the kernel hands programs of other formats to an interpreter. */
const HOPELESS_ALONE = new Set(["EXEC_ARCHITECTURE", "EXEC_FORMAT"]);

/** The runtime's refusal to start a command, with the reason that the image's files show where they show one. */
export function explainRefusal(error: unknown, rootfs: Rootfs, facts: ExecFacts): unknown {
  if (!(error instanceof GantryError) || !ABOUT_THE_COMMAND.has(error.code)) return error;
  const reason = explainExec(rootfs, facts);
  return reason === undefined ? error : refusal(String(error.details?.["head"]), reason, error);
}

/**
 * Throws, in the words of a runtime's refusal, where the image's files show that the command can't be started.
 * `foreignFormats`: whether the kernel runs more formats than its own.
 */
export function refuseHopeless(
  rootfs: Rootfs,
  facts: ExecFacts,
  foreignFormats: () => boolean,
  verb: "create" | "exec" = "create",
): void {
  const reason = explainExec(rootfs, facts);
  if (reason === undefined) return;
  if (HOPELESS.has(reason.code) || (HOPELESS_ALONE.has(reason.code) && !foreignFormats())) {
    throw refusal(refusalHead(verb), reason);
  }
}

/** Docker's words, then what they don't tell: its clients show the message alone. */
function refusal(head: string, reason: GantryError, cause?: GantryError): GantryError {
  const { code, hint } = reason;
  const tells = hint !== undefined && (HOPELESS.has(code) || HOPELESS_ALONE.has(code));
  return new GantryError(reason.kind, code, `${head}: ${reason.message}: unknown${tells ? ` (${hint})` : ""}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { ...cause?.details, ...reason.details },
    ...(cause === undefined ? {} : { cause }),
  });
}
