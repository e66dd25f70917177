import { GantryError } from "../../base/errors.ts";
import { refusalHead } from "../../base/runtime-words.ts";

/**
 * Turns crun's and runc's words into Docker's, since `docker run` reads its exit code (126, 127) from them.
 * `verb`: what was tried.
 */
export function translateRuntimeError(verb: "create" | "start" | "exec", words: string, command: string): GantryError {
  const text = lastMessage(words);
  const head = refusalHead(verb);
  const reason = reasonOf(text, command);
  const question = reason.question === undefined ? "" : `: ${reason.question}`;
  return new GantryError("invalid", reason.code, `${head}: ${reason.words}: unknown${question}`, {
    ...(reason.hint ? { hint: reason.hint } : {}),
    details: { runtime: text, head, ...(reason.exitCode ? { exitCode: reason.exitCode } : {}) },
  });
}

interface Reason {
  code: string;
  words: string;
  /** What docker asks the user at the end. */
  question?: string;
  hint?: string;
  /** What `docker run` ends with. */
  exitCode?: 126 | 127;
}

const MORE_FILES = "give at least 64 (--ulimit nofile=64)";

function reasonOf(text: string, command: string): Reason {
  const quoted = JSON.stringify(command);
  if (command === "" || (/executable file (.* )?not found in \$PATH/i.test(text) && !command.includes("/"))) {
    return { code: "COMMAND_NOT_FOUND", exitCode: 127, words: `exec: ${quoted}: executable file not found in $PATH` };
  }
  if (/mount/i.test(text) && /not a directory/i.test(text)) {
    const [, source, target] = /^mount `(.*)` to `(.*)`:/.exec(text) ?? [];
    return {
      code: "MOUNT_TYPE",
      words: source === undefined ? text : `error mounting "${source}" to rootfs at "/${target}": not a directory`,
      question:
        "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type",
    };
  }
  if (/chdir|cwd|working directory/i.test(text)) {
    const [, folder, why = ""] = /^chdir `(.*)`: (.*)$/.exec(text) ?? [];
    const words =
      folder === undefined ? text : `chdir to cwd ("${folder}") set in config.json failed: ${why.toLowerCase()}`;
    return { code: "BAD_WORKDIR", words };
  }
  if (/no such file or directory/i.test(text) && /exec|stat/i.test(text)) {
    return {
      code: "COMMAND_NOT_FOUND",
      exitCode: 127,
      words: `exec: ${quoted}: stat ${command}: no such file or directory`,
    };
  }
  if (/is a directory/i.test(text))
    return { code: "COMMAND_IS_FOLDER", exitCode: 126, words: `exec: ${quoted}: is a directory` };
  if (/permission denied|open executable: operation not permitted/i.test(text)) {
    return {
      code: "COMMAND_NOT_EXECUTABLE",
      exitCode: 126,
      words: `exec: ${quoted}: permission denied`,
      hint: `${command} is a folder or lacks the executable bit (chmod +x)`,
    };
  }
  if (/too many open files/i.test(text)) {
    return { code: "TOO_FEW_FILES", words: text, hint: `the runtime's own files count too: ${MORE_FILES}` };
  }
  // of version 1: crun could not read which processors there are, and goes on
  if (/cpuset\/.*cgroup\.procs.*no space left/i.test(text)) {
    const hint = `the control group was left without processors; if the number of open files is limited: ${MORE_FILES}`;
    return { code: "TOO_FEW_FILES", words: text, hint };
  }
  if (/exec format error/i.test(text)) {
    return {
      code: "EXEC_FORMAT",
      words: `exec ${command}: exec format error`,
      hint: "the program is for another architecture, or a script without a #! line",
    };
  }
  return { code: "OCI_RUNTIME_FAILED", words: text };
}

/** What runtimes put before the reason, and Docker too. */
const PREFIXES = /^(?:(?:\S+ )?(?:create|exec|start) failed: |unable to start container process: )+/;

/** The runtime's last log message, plain or JSON. */
export function lastMessage(words: string): string {
  const lines = words.trim().split("\n");
  const line = lines[lines.length - 1] ?? "";
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null && "msg" in parsed) return String(parsed.msg);
  } catch {
    // not JSON: the words themselves
  }
  const text = line.match(/msg="((?:[^"\\]|\\.)*)"/)?.[1]?.replace(/\\"/g, '"') ?? line;
  return text.replace(PREFIXES, "").trim() || "no message from the runtime";
}
