import path from "node:path";
import { GantryError } from "../../../base/errors.ts";
import type { Rootfs } from "../../../ports/rootfs.ts";
import { DEFAULT_PATH } from "./process.ts";

export interface ExecFacts {
  /** Where the root is on the host. */
  root: string;
  args: readonly string[];
  /** PATH is read from it. */
  env: readonly string[];
  /** Absolute. */
  cwd: string;
  /** The machine's, in Go's names. */
  architecture: string;
  /** Destinations of mounts: what the root holds there is not what the container sees. */
  covered?: readonly string[];
}

/** ELF's e_machine → Go's architecture. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "386",
  21: "ppc64le",
  22: "s390x",
  40: "arm",
  62: "amd64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

/** What a machine runs besides its own. */
const ALSO_RUNS: Readonly<Record<string, string>> = { amd64: "386", arm64: "arm" };

const HEAD_BYTES = 4096;

const problem = (code: string, exitCode: 126 | 127, message: string, hint?: string): GantryError =>
  new GantryError("invalid", code, message, { details: { exitCode }, ...(hint !== undefined && { hint }) });

/**
 * Why the container's command cannot be started, in the words Docker's CLI turns into exit codes 126 and 127
 * (`details.exitCode`), with a hint; undefined when nothing seems wrong. For use after a runtime's refusal, or before.
 */
export function explainExec(rootfs: Rootfs, facts: ExecFacts): GantryError | undefined {
  const name = facts.args[0] ?? "";
  const quoted = JSON.stringify(name);
  const file = name.includes("/") ? path.posix.resolve(facts.cwd, name) : lookPath(rootfs, facts, name);
  const folders = name.includes("/") ? [] : pathFolders(facts);
  const searched = file === undefined ? folders : folders.slice(0, folders.indexOf(path.posix.dirname(file)) + 1);
  if ([...searched, ...(file === undefined ? [] : [file])].some((place) => isCovered(rootfs, facts, place)))
    return undefined;
  if (file === undefined) {
    return problem("EXEC_NOT_FOUND", 127, `exec: ${quoted}: executable file not found in $PATH`, notFoundHint(facts));
  }
  const entry = rootfs.stat(facts.root, file);
  if (entry === undefined) {
    return problem(
      "EXEC_NOT_FOUND",
      127,
      `exec: ${quoted}: stat ${file}: no such file or directory`,
      notFoundHint(facts),
    );
  }
  if (entry.type === "directory") return problem("EXEC_IS_DIRECTORY", 126, `exec: ${quoted}: is a directory`);
  if (entry.type !== "file" || (entry.mode & 0o111) === 0) {
    return problem(
      "EXEC_DENIED",
      126,
      `exec: ${quoted}: permission denied`,
      `${file} is not executable: chmod +x it in the image`,
    );
  }
  return explainContents(rootfs, facts, file, rootfs.readHead(facts.root, file, HEAD_BYTES) ?? Buffer.alloc(0));
}

/** What is there in the container is not what the root shows. */
function isCovered(rootfs: Rootfs, facts: ExecFacts, place: string): boolean {
  if (facts.covered === undefined || facts.covered.length === 0) return false;
  const places = [place, rootfs.resolve(facts.root, place)];
  return facts.covered
    .flatMap((target) => [target, rootfs.resolve(facts.root, target)])
    .some((target) => places.some((seen) => seen === target || seen.startsWith(`${target}/`)));
}

const isMissing = (rootfs: Rootfs, facts: ExecFacts, file: string): boolean =>
  rootfs.stat(facts.root, file) === undefined && !isCovered(rootfs, facts, file);

const pathFolders = (facts: Pick<ExecFacts, "env" | "cwd">): string[] => {
  const variable = facts.env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
  return variable.split(":").map((folder) => path.posix.resolve(facts.cwd, folder || "."));
};

/** The program that PATH finds, as execvp would; undefined if none. */
export function lookPath(
  rootfs: Rootfs,
  facts: Pick<ExecFacts, "root" | "env" | "cwd">,
  name: string,
): string | undefined {
  for (const folder of pathFolders(facts)) {
    const file = path.posix.join(folder, name);
    const entry = rootfs.stat(facts.root, file);
    if (entry?.type === "file" && (entry.mode & 0o111) !== 0) return file;
  }
  return undefined;
}

const notFoundHint = ({ args }: ExecFacts): string =>
  /\s/.test(args[0] ?? "")
    ? "the whole command line was given as one word: write it as separate words, or use the shell form"
    : "check the name, the image's PATH, and that the image has the program";

function explainContents(rootfs: Rootfs, facts: ExecFacts, file: string, head: Buffer): GantryError | undefined {
  if (head.subarray(0, 2).toString("latin1") === "#!") return explainScript(rootfs, facts, file, head);
  if (head.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"))) return explainElf(rootfs, facts, file, head);
  // an empty file is a place that a runtime made for a mount
  if (head.length === 0) return undefined;
  return problem(
    "EXEC_FORMAT",
    126,
    `exec ${file}: exec format error`,
    "it is neither a program nor a script: a script's first line must be #!/bin/sh or the like",
  );
}

function explainScript(rootfs: Rootfs, facts: ExecFacts, file: string, head: Buffer): GantryError | undefined {
  const line = head.subarray(2).toString("utf8").split("\n")[0] ?? "";
  const interpreter = line.trim().split(/[ \t]+/)[0] ?? "";
  const missing = `exec ${file}: no such file or directory`;
  if (line.endsWith("\r")) {
    const hint = `${file} has Windows line ends (CRLF), so "${interpreter}\\r" is looked for: mend it with dos2unix, and in git with "*.sh text eol=lf" in .gitattributes`;
    return problem("EXEC_CRLF", 127, missing, hint);
  }
  if (interpreter !== "" && isMissing(rootfs, facts, path.posix.resolve(facts.cwd, interpreter))) {
    const hint = `${file} needs ${interpreter}, which the image does not have: install it or change the first line`;
    return problem("EXEC_NO_INTERPRETER", 127, missing, hint);
  }
  return undefined;
}

function explainElf(rootfs: Rootfs, facts: ExecFacts, file: string, head: Buffer): GantryError | undefined {
  const little = head[5] === 1;
  if (head.length < 64) return problem("EXEC_FORMAT", 126, `exec ${file}: exec format error`, "the file is cut short");
  const machine = MACHINES[little ? head.readUInt16LE(18) : head.readUInt16BE(18)] ?? "another architecture";
  if (machine !== facts.architecture && machine !== ALSO_RUNS[facts.architecture]) {
    const hint = `${file} is built for ${machine}, this machine is ${facts.architecture}: pull or build with --platform linux/${facts.architecture}`;
    return problem("EXEC_ARCHITECTURE", 126, `exec ${file}: exec format error`, hint);
  }
  const loader = head[4] === 2 && little ? loaderOf(head) : undefined;
  if (loader !== undefined && isMissing(rootfs, facts, loader)) {
    const libc = loader.includes("musl") ? "musl" : "glibc";
    const hint = `${file} needs the loader ${loader} of ${libc}, which the image does not have: take a base image with ${libc}, or link it statically`;
    return problem("EXEC_NO_LOADER", 127, `exec ${file}: no such file or directory`, hint);
  }
  return undefined;
}

/** PT_INTERP's path in a 64-bit little-endian program; undefined: static, or beyond what was read. */
function loaderOf(head: Buffer): string | undefined {
  const PT_INTERP = 3;
  const start = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  if (size < 56) return undefined;
  for (let at = start, i = 0; i < count && at + size <= head.length; i++, at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(head.readBigUInt64LE(at + 8));
    const length = Number(head.readBigUInt64LE(at + 32));
    if (from + length > head.length || length < 2) return undefined;
    return head.subarray(from, from + length - 1).toString("utf8");
  }
  return undefined;
}
