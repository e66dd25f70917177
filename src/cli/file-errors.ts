import { errnoOf, messageOf } from "../base/errors.ts";

const WORDS: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EEXIST: "file exists",
};

/** "open NAME: no such file or directory": a file's error in the words of Go, with the name as the user gave it. */
export const fileError = (action: string, name: string, cause: unknown, prefix = ""): Error =>
  new Error(`${prefix}${action} ${name}: ${WORDS[errnoOf(cause) ?? ""] ?? messageOf(cause)}`, { cause });
