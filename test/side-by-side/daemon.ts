import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { baseImage, humanSize } from "./base-image.ts";
import { normalise, type Own } from "./normalise.ts";
import type { Answer, Scenario } from "./scenario.ts";

/** Where a daemon listens and what in its answers is its own. */
export interface Address {
  socket: string;
  dataRoot: string;
  subnet: string;
  bridge: string;
}

/** One line may take this long; a hanging one is ended and shows as code -1. */
const PATIENCE = 30_000;

/** A Docker daemon that is ours alone: everything in it is removed after each scenario. */
export class Daemon {
  private readonly address: Address;
  private readonly own: Own;
  private readonly base: Buffer;

  constructor(address: Address) {
    this.address = address;
    const { archive, size } = baseImage();
    this.base = archive;
    this.own = {
      subnet: address.subnet,
      words: [
        [address.dataRoot, "<root>"],
        [humanSize(size), "<base>"],
        [address.bridge, "<bridge>"],
      ],
    };
  }

  /** Refuses a daemon that is in use. */
  async prepare(): Promise<void> {
    const found = await this.list("/containers/json?all=1");
    assert.deepEqual(found, [], `${this.address.socket} holds containers: it must be for this comparison alone`);
    await this.clear();
  }

  run(scenario: Scenario): Promise<Answer[]> {
    return this.after(scenario.commands, async (answers) => answers);
  }

  /** What `look` sees when the commands have run; then everything is removed. */
  async after<T>(commands: string[], look: (answers: Answer[]) => Promise<T>): Promise<T> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "side-"));
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      LANG: "C.UTF-8",
      DOCKER_HOST: `unix://${this.address.socket}`,
      DOCKER_CONFIG: path.join(folder, ".docker"),
      DOCKER_BUILDKIT: "0",
    };
    const own = { ...this.own, words: [...this.own.words, [folder, "<here>"] as [string, string]] };
    const answers: Answer[] = [];
    try {
      for (const command of commands) {
        const { code, stdout, stderr } = await shell(command, folder, env);
        answers.push({ command, code, stdout: normalise(stdout, own), stderr: normalise(stderr, own) });
      }
      return await look(answers);
    } finally {
      await this.clear();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Removes all there is and brings in the base image. */
  async clear(): Promise<void> {
    for (const { Id } of await this.list<{ Id: string }>("/containers/json?all=1")) {
      await this.request("DELETE", `/containers/${Id}?force=1&v=1`);
    }
    for (const { Name } of await this.list<{ Name: string }>("/networks")) {
      if (!["bridge", "host", "none"].includes(Name)) await this.request("DELETE", `/networks/${Name}`);
    }
    const { Volumes } = JSON.parse((await this.request("GET", "/volumes")).text) as {
      Volumes: { Name: string }[] | null;
    };
    for (const { Name } of Volumes ?? []) await this.request("DELETE", `/volumes/${Name}?force=1`);
    for (const { Id } of await this.list<{ Id: string }>("/images/json?all=1")) {
      await this.request("DELETE", `/images/${Id}?force=1`);
    }
    await this.request("POST", "/build/prune?all=1");
    const loaded = await this.request("POST", "/images/load?quiet=1", this.base);
    assert.equal(loaded.status, 200, loaded.text);
  }

  async list<T>(url: string): Promise<T[]> {
    return JSON.parse((await this.request("GET", url)).text) as T[];
  }

  request(method: string, url: string, body?: Buffer | object): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const type = Buffer.isBuffer(body) ? "application/x-tar" : "application/json";
      const options = {
        socketPath: this.address.socket,
        method,
        path: url,
        headers: { "Content-Type": type },
        agent: false,
      };
      const request = http.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      request.on("error", reject);
      request.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  }
}

function shell(
  line: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", line], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), PATIENCE);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}
