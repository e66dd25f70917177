import assert from "node:assert/strict";
import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { baseImage } from "../side-by-side/base-image.ts";
import { run } from "./engine.ts";
import { until } from "./until.ts";
import type { Host } from "./world.ts";

export const hasProgram = (program: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

/** A dockerd on a host of a World, with roots of its own and busybox:latest. */
export class Dockerd {
  private readonly host: Host;
  private readonly folder: string;
  private child: ChildProcess | undefined;

  constructor(host: Host, folder: string) {
    this.host = host;
    this.folder = folder;
    fs.writeFileSync(path.join(folder, "none.json"), "{}");
  }

  private get address(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  async up(): Promise<void> {
    const roots = ["--data-root", `${this.folder}/data`, "--exec-root", `${this.folder}/exec`];
    const rest = ["--pidfile", `${this.folder}/pid`, "--config-file", `${this.folder}/none.json`];
    const log = `exec dockerd "$@" >>${this.folder}/log 2>&1`;
    const child = this.host.spawn("sh", "-c", log, "dockerd", "-H", this.address, ...roots, ...rest);
    this.child = child;
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(fs.readFileSync(path.join(this.folder, "log"), "utf8"));
        return (await run("docker", ["-H", this.address, "version"])).code === 0;
      },
      { what: "dockerd to answer", timeout: 30_000, every: 100 },
    );
    await run("docker", ["-H", this.address, "load", "-q"], { input: baseImage().archive });
  }

  async down(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  /** Removes all containers, ends it and takes its mounts away. */
  async end(): Promise<void> {
    if (this.child?.exitCode === null) {
      const ids = (await this.ok("ps", "-aq")).split("\n").filter(Boolean);
      if (ids.length > 0) await this.ok("rm", "-f", ...ids);
    }
    await this.down();
    const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
    for (const mount of mounts.map((line) => line.split(" ")[1] ?? "").toReversed())
      if (mount.startsWith(`${this.folder}/`)) await run("umount", ["-l", mount]);
  }

  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run("docker", ["-H", this.address, ...args]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }
}
