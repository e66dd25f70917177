import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { leaks } from "./leaks.ts";
import { until } from "./until.ts";

const REPO = path.resolve(import.meta.dirname, "../..");
/** The command line under test: GANTRY_CLI names another build of it, such as the single file. */
export const GANTRY = path.resolve(REPO, process.env["GANTRY_CLI"] || "bin/gantry");
export const GANTRYD = path.join(REPO, "bin/gantryd");

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; never throws for an exit code. */
export function run(
  file: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; input?: string | Buffer; cwd?: string; timeout?: number } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      {
        env: options.env,
        cwd: options.cwd,
        timeout: options.timeout ?? 60_000,
        maxBuffer: 64 << 20,
        encoding: "latin1",
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** Expects that a program failed, and said so in these words. */
export function refused(ran: Ran, words: RegExp): Ran {
  assert.notEqual(ran.code, 0, ran.stdout);
  assert.match(ran.stderr, words);
  return ran;
}

/** A gantryd of a test's own, with its own roots, socket, bridge and addresses. */
export class TestEngine {
  readonly folder: string;
  readonly socket: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly env: NodeJS.ProcessEnv;
  private child: ChildProcess | undefined;
  /** Of the daemon; a change counts from its next start on. */
  readonly flags: string[];
  private readonly ids = new Set<string>();
  private readonly ownMounts: string[] = [];

  /** The network namespace that it is in; undefined: the machine's. */
  readonly netns: string | undefined;

  private readonly daemonEnv: NodeJS.ProcessEnv;

  private constructor(flags: string[], netns: string | undefined, daemonEnv: NodeJS.ProcessEnv) {
    this.netns = netns;
    this.daemonEnv = daemonEnv;
    const tag = randomBytes(3).toString("hex");
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-test-"));
    fs.chmodSync(this.folder, 0o711); // as the parents of an engine's roots are
    this.socket = path.join(this.folder, "g.sock");
    this.bridge = `gt${tag}`;
    const [a, b] = randomBytes(2);
    this.subnet = `10.${64 + ((a as number) % 64)}.${b}`;
    this.env = {
      PATH: process.env["PATH"],
      HOME: this.folder,
      DOCKER_HOST: `unix://${this.socket}`,
      GANTRY_HOST: `unix://${this.socket}`,
      DOCKER_CONFIG: path.join(this.folder, "docker"),
      DOCKER_BUILDKIT: "0",
    };
    this.flags = [...flags];
  }

  /** Starts one, with busybox:latest in it unless told otherwise. */
  static async start(
    options: {
      flags?: string[];
      busybox?: boolean;
      tmpfs?: string;
      netns?: string;
      daemonEnv?: NodeJS.ProcessEnv;
    } = {},
  ): Promise<TestEngine> {
    const engine = new TestEngine(options.flags ?? [], options.netns, options.daemonEnv ?? {});
    if (options.tmpfs) await engine.mountData(options.tmpfs);
    await engine.up();
    if (options.busybox ?? true) {
      const made = await engine.gantry("image", "bootstrap", "busybox");
      assert.equal(made.code, 0, made.stderr);
    }
    return engine;
  }

  /** A data root on a small file system of its own. */
  private async mountData(size: string): Promise<void> {
    fs.mkdirSync(this.dataRoot, { mode: 0o700 });
    const mounted = await run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", this.dataRoot]);
    assert.equal(mounted.code, 0, mounted.stderr);
    this.ownMounts.push(this.dataRoot);
  }

  get dataRoot(): string {
    return path.join(this.folder, "data");
  }

  get execRoot(): string {
    return path.join(this.folder, "exec");
  }

  /** Where it looks for volume plugins, in place of the machine's. */
  get pluginFolder(): string {
    return path.join(this.folder, "plugins");
  }

  get log(): string {
    return fs.readFileSync(path.join(this.folder, "log"), "utf8");
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts the daemon (again) and waits until it answers. Returns the milliseconds that took. */
  async up(): Promise<number> {
    const began = performance.now();
    const log = fs.openSync(path.join(this.folder, "log"), "a");
    const [program, ...enter] = this.netns === undefined ? [GANTRYD] : ["nsenter", `--net=${this.netns}`, GANTRYD];
    this.child = spawn(
      program as string,
      [
        ...enter,
        ...["--data-root", this.dataRoot, "--exec-root", this.execRoot, "-H", `unix://${this.socket}`],
        ...["--bridge", this.bridge, "--bip", `${this.subnet}.1/24`],
        ...["--plugin-dir", this.pluginFolder],
        ...["--default-address-pool", `base=10.128.0.0/10,size=24`, ...this.flags],
      ],
      { stdio: ["ignore", log, log], env: { PATH: process.env["PATH"], ...this.daemonEnv } },
    );
    fs.closeSync(log);
    await until(
      async () => {
        if (this.child?.exitCode !== null) throw new Error(`gantryd ended: ${this.log}`);
        return (await this.get("/_ping").catch(() => undefined))?.status === 200;
      },
      { what: "gantryd to answer", timeout: 20_000 },
    );
    return performance.now() - began;
  }

  /** Ids of all containers so far, as far as events, lists and the log tell. */
  get containerIds(): string[] {
    for (const [id] of this.log.matchAll(/\b[0-9a-f]{64}\b/g)) this.ids.add(id);
    return [...this.ids];
  }

  private async collectIds(): Promise<void> {
    const events = `/events?since=0&until=${Math.ceil(Date.now() / 1000) - 1}&filters={"event":["create"],"type":["container"]}`;
    for (const url of [events, "/containers/json?all=1"]) {
      const { text } = await this.get(encodeURI(url));
      for (const [id] of text.matchAll(/\b[0-9a-f]{64}\b/g)) this.ids.add(id);
    }
  }

  /** kill -9, as a crash. */
  async crash(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async down(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  /** One API request over the socket; a body of bytes is a tar. */
  get(
    path: string,
    method = "GET",
    body?: object | Buffer,
    extra: Record<string, string> = {},
  ): Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }> {
    return new Promise((resolve, reject) => {
      const tar = Buffer.isBuffer(body);
      const type = body ? { "Content-Type": tar ? "application/x-tar" : "application/json" } : {};
      const headers = { ...type, ...extra };
      const request = http.request({ socketPath: this.socket, path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.on("error", reject);
      request.end(tar ? body : body && JSON.stringify(body));
    });
  }

  docker(...args: string[]): Promise<Ran> {
    return run("docker", args, { env: this.env });
  }

  gantry(...args: string[]): Promise<Ran> {
    return run(GANTRY, args, { env: this.env });
  }

  /** Runs and expects success; gives stdout without the last newline. */
  async ok(...args: string[]): Promise<string> {
    const ran = await this.docker(...args);
    assert.equal(ran.code, 0, `docker ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.replace(/\n$/, "");
  }

  /** The same through Gantry's own client, without blanks at the end. */
  async gantryOk(...args: string[]): Promise<string> {
    const ran = await this.gantry(...args);
    assert.equal(ran.code, 0, `gantry ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  }

  /** A new folder with these files, by path. */
  project(files: Record<string, string | Buffer>): string {
    const made = fs.mkdtempSync(path.join(this.folder, "context-"));
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(made, name)), { recursive: true });
      fs.writeFileSync(path.join(made, name), content);
    }
    return made;
  }

  /** Removes all containers, for a test that begins with none. */
  async clear(): Promise<void> {
    const ids = (await this.ok("ps", "-aq")).split("\n").filter(Boolean);
    if (ids.length > 0) await this.ok("rm", "-f", ...ids);
  }

  /** Removes all containers, ends the daemon, and fails if anything is left on the machine. */
  async end(): Promise<void> {
    if (this.child?.exitCode !== null || this.child.signalCode !== null) await this.up();
    const ids = (await this.ok("ps", "-aq", "--no-trunc")).split("\n").filter(Boolean);
    await this.collectIds();
    if (ids.length > 0) await this.ok("rm", "-fv", ...ids);
    await this.down();
    for (const folder of this.ownMounts) await run("umount", [folder]);
    try {
      await until(async () => (await leaks(this)).length === 0, { what: "everything to be gone", timeout: 5000 });
    } catch {
      assert.deepEqual(await leaks(this), [], "left on the machine");
    } finally {
      fs.rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
