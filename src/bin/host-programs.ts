import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { GantryError } from "../base/errors.ts";
import { programVersion } from "../drivers/host/program-version.ts";
import { findInPath, needsSharedMounts, wrapFor } from "../drivers/oci/detect.ts";
import { CliRuntime } from "../drivers/oci/runtime.ts";
import { SealedProgram } from "../drivers/oci/sealed-program.ts";
import type { Component } from "../server/routes/system.ts";
import { MNT_DETACH, MS, mount, umount } from "../drivers/syscalls/mount.ts";

const missing = (what: string, hint: string): GantryError =>
  new GantryError("unavailable", "MISSING_PROGRAM", `${what} is not installed`, { hint });

/** The OCI runtimes of this host, found once. crun is quicker than runc, so it is the default where it is there. */
export class Runtimes {
  readonly defaultName: string;
  private readonly known = new Map<string, CliRuntime>();
  /** Each runtime has a folder of its own in it. */
  readonly stateRoot: string;

  constructor(execRoot: string) {
    this.stateRoot = path.join(execRoot, "runtime");
    for (const name of ["crun", "runc"]) this.find(name);
    const first = this.known.keys().next().value;
    if (first === undefined) throw missing("no OCI runtime (crun or runc)", "apt-get install crun runc");
    this.defaultName = first;
  }

  /** "" is the default; a name from PATH or a path of any other. Throws invalid UNKNOWN_RUNTIME in Docker's words. */
  get(name: string): CliRuntime {
    const wanted = name === "" ? this.defaultName : name;
    const runtime = this.known.get(wanted) ?? this.find(wanted);
    if (!runtime) {
      throw new GantryError("invalid", "UNKNOWN_RUNTIME", `unknown or invalid runtime name: ${wanted}`, {
        hint: `known here: ${[...this.known.keys()].join(", ")}`,
      });
    }
    return runtime;
  }

  list(): Record<string, { path: string }> {
    return Object.fromEntries([...this.known].map(([name, runtime]) => [name, { path: runtime.path }]));
  }

  private find(name: string): CliRuntime | undefined {
    if (!/^(\/)?[\w][\w./-]*$/.test(name)) return undefined;
    const file = name.startsWith("/") ? (fs.existsSync(name) ? name : undefined) : findInPath(name);
    if (!file) return undefined;
    const stateRoot = path.join(this.stateRoot, path.basename(file));
    const sealed = path.basename(file) === "crun" ? new SealedProgram(file) : undefined;
    const runtime = new CliRuntime({
      name,
      path: file,
      ...(sealed ? { program: () => sealed.path() } : {}),
      stateRoot,
      wrap: wrapFor(path.basename(file)),
    });
    this.known.set(name, runtime);
    return runtime;
  }
}

export function requireProgram(name: string, packageName: string): string {
  const file = findInPath(name);
  if (!file) throw missing(name, `apt-get install ${packageName}`);
  return file;
}

/** tini, or an init of Docker's. */
export const findInit = (): string | undefined =>
  findInPath("docker-init") ?? findInPath("tini-static") ?? findInPath("tini");

/**
 * On a hybrid host monitors live in copies of the mount namespace. The roots become shared mounts of their own, so that
 * what is unmounted here goes there too. Repeatable.
 */
export function shareRoots(runtime: string, roots: string[]): void {
  if (!needsSharedMounts(runtime)) return;
  const mounted = new Set(
    fs
      .readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[1]),
  );
  for (const root of roots) {
    if (mounted.has(root)) continue;
    mount(root, root, "none", MS.BIND);
    mount("none", root, "", MS.SHARED);
  }
}

/** Undoes `shareRoots` when nothing below is mounted any more. */
export function unshareRoots(runtime: string, roots: string[]): void {
  if (!needsSharedMounts(runtime)) return;
  const targets = fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const root of roots) {
    if (targets.includes(root) && !targets.some((target) => target.startsWith(`${root}/`))) umount(root, MNT_DETACH);
  }
}

/** The programs that containers run by and their versions, in Docker's form: `init` stands for whichever it is. */
export async function componentsOf(programs: Record<string, string>): Promise<Component[]> {
  const asked = Object.entries(programs).map(async ([name, file]) => {
    const { version, commit } = await programVersion(file);
    return { Name: name, Version: version, Details: { GitCommit: commit || version, Path: file } };
  });
  return Promise.all(asked);
}

/** "Debian GNU/Linux 12 (bookworm)" */
export function operatingSystem(): string {
  try {
    return fs.readFileSync("/etc/os-release", "utf8").match(/^PRETTY_NAME="?([^"\n]*)/m)?.[1] ?? os.type();
  } catch {
    return os.type();
  }
}
