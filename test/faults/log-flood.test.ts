import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const MB = 1024 * 1024;
const FLOOD_MS = 4000;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const logFolder = async (name: string): Promise<string> =>
  path.join(engine.dataRoot, "containers", await engine.ok("inspect", "-f", "{{.Id}}", name));

/** Bytes on disk of a container's log files. */
function used(folder: string): number {
  let total = 0;
  for (const name of fs.readdirSync(folder).filter((file) => file.startsWith("container.log"))) {
    total += (fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return total;
}

/** Lines of `docker logs -f` as they come. */
function follow(name: string): { child: ChildProcess; lines: () => number } {
  const child = spawn("docker", ["logs", "-f", name], { env: engine.env, stdio: ["ignore", "pipe", "ignore"] });
  let lines = 0;
  child.stdout?.on("data", (chunk: Buffer) => (lines += chunk.toString().split("\n").length - 1));
  return { child, lines: () => lines };
}

class Pings {
  private readonly times: number[] = [];

  add(ms: number): void {
    this.times.push(ms);
  }

  /** Milliseconds that so many of a hundred stayed below. */
  private below(percent: number): number {
    const sorted = this.times.toSorted((a, b) => a - b);
    return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
  }

  get words(): string {
    return `_ping: 99% within ${this.below(99).toFixed(0)} ms, slowest ${this.below(100).toFixed(0)} ms`;
  }

  /** One in a hundred may be the machine's fault: tests and the flood itself share its processors. */
  check(): void {
    assert.ok(this.below(99) < 200, this.words);
    assert.ok(this.below(100) < 1000, this.words);
  }
}

/** What holds while a container writes as fast as it can. */
async function flood(name: string, script: string, options: string[]): Promise<{ pings: Pings; most: number }> {
  await engine.ok(
    "run",
    "-d",
    "--name",
    `quiet-${name}`,
    "busybox",
    "sh",
    "-c",
    "while :; do echo tick; sleep 0.1; done",
  );
  const quiet = follow(`quiet-${name}`);
  try {
    await until(() => quiet.lines() > 2, { what: "the quiet container's log" });
    await engine.ok("run", "-d", "--name", name, ...options, "busybox", "sh", "-c", script);
    const folder = await logFolder(name);
    const before = quiet.lines();
    const began = Date.now();
    const pings = new Pings();
    let most = 0;
    while (Date.now() - began < FLOOD_MS) {
      const asked = performance.now();
      await engine.get("/_ping");
      pings.add(performance.now() - asked);
      most = Math.max(most, used(folder));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ticks = quiet.lines() - before;
    assert.ok(ticks > FLOOD_MS / 100 / 3, `the quiet container's follower got ${ticks} lines in ${FLOOD_MS} ms`);
    return { pings, most };
  } finally {
    quiet.child.kill("SIGKILL");
    await engine.docker("rm", "-f", name, `quiet-${name}`);
  }
}

describe("A flood of output", () => {
  for (const [what, script] of [
    ["lines", "yes 'a line of some forty characters, again and again'"],
    ["one endless line", "cat /dev/zero | tr '\\0' x"],
  ] as const) {
    it(`of ${what} is bounded on disk, and the engine answers`, async (t) => {
      const { pings, most } = await flood("flood", script, ["--log-opt", "max-size=10m", "--log-opt", "max-file=3"]);
      t.diagnostic(`${pings.words}, most on disk ${(most / MB).toFixed(1)} MB of 30`);
      pings.check();
      // A monitor writes some hundred megabytes in a second; what it writes between two looks comes on top.
      assert.ok(most < 100 * MB, `${most / MB} MB on disk`);
    });
  }

  it("that is sent is bounded too, on disk and in the engine's memory", async (t) => {
    let received = 0;
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => (received += chunk.length));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as net.AddressInfo;
      const limits = ["--log-opt", "cache-max-size=10m", "--log-opt", "cache-max-file=3"];
      const { pings, most } = await flood("flood", "yes 'a line of some forty characters, again and again'", [
        ...["--log-driver", "syslog", "--log-opt", `syslog-address=tcp://127.0.0.1:${port}`],
        ...limits,
      ]);
      const status = fs.readFileSync(`/proc/${engine.pid}/status`, "utf8");
      const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
      const rate = received / MB / (FLOOD_MS / 1000);
      t.diagnostic(
        `${pings.words}, most on disk ${(most / MB).toFixed(1)} MB of 30, ` +
          `${rate.toFixed(1)} MB/s sent, the engine's peak of memory ${peak.toFixed(0)} MB`,
      );
      pings.check();
      assert.ok(most < 100 * MB, `${most / MB} MB on disk`);
      assert.ok(peak < 300, `${peak} MB of memory`);
    } finally {
      server.close();
    }
  });
});
