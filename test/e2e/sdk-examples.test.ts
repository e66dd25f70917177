import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { Gantry, type LocalEngine } from "../../src/sdk/index.ts";
import { until } from "../support/until.ts";

const REPO = path.resolve(import.meta.dirname, "../..");

interface Example {
  child: ChildProcess;
  out(): string;
  err(): string;
  /** The exit code. */
  end(): Promise<number | null>;
}

describe("the SDK's examples", () => {
  let gantry: LocalEngine;
  before(async () => {
    gantry = await Gantry.start({ images: ["busybox"] });
  });
  after(() => gantry.stop());

  function start(name: string, ...args: string[]): Example {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env; // or a test among them would report to our own runner
    const child = spawn(process.execPath, ["--import", "tsx", `examples/sdk/${name}`, ...args], {
      cwd: REPO,
      env: { ...env, GANTRY_HOST: gantry.host },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += String(chunk)));
    child.stderr.on("data", (chunk: Buffer) => (err += String(chunk)));
    const closed = once(child, "close");
    return { child, out: () => out, err: () => err, end: async () => (await closed)[0] as number | null };
  }

  it("builds with progress on stderr, and ends as the command that failed", async () => {
    const good = start("build.ts", "examples/hello", "hello");
    assert.equal(await good.end(), 0, good.err());
    assert.match(good.out(), /^sha256:[0-9a-f]{64}\n$/);
    assert.match(good.err(), /^\[1\/\d+\] FROM/);
    const bad = start("build.ts", "no-such-folder");
    assert.equal(await bad.end(), 1);
    assert.match(bad.err(), /^BAD_CONTEXT: /);
  });

  it("follows a log to the container's end, and until ctrl-c", async () => {
    const command = ["sh", "-c", "echo one; echo two >&2; read wait; exit 3"];
    await using box = await gantry.containers.start("busybox", { command, stdin: true });
    const stopped = start("follow-logs.ts", box.id);
    const followed = start("follow-logs.ts", box.id);
    const both = { what: "the log", timeout: 20_000 };
    await until(() => [stopped, followed].every((one) => one.out().includes("two")), both);
    stopped.child.kill("SIGINT");
    assert.equal(await stopped.end(), 0, stopped.err());
    assert.match(stopped.out(), /stopped following\n$/);
    using session = await box.attach({ stdin: true });
    await session.send("go\n");
    assert.equal(await followed.end(), 0, followed.err());
    assert.match(followed.out(), /Z {3}one\n/);
    assert.match(followed.out(), /Z E two\nended with 3\n$/);
  });

  it("watches events until ctrl-c", async () => {
    const watch = start("watch-events.ts");
    await until(() => watch.out().includes("watching"), { what: "the watcher", timeout: 20_000 });
    await gantry.run("busybox", ["sh", "-c", "exit 4"], { name: "seen" });
    await until(() => watch.out().includes("seen ended"), { what: "the events" });
    watch.child.kill("SIGINT");
    assert.equal(await watch.end(), 0, watch.err());
    assert.match(watch.out(), /seen started from busybox\nseen ended with 4\n/);
  });

  it("has a throw-away service in a test", async () => {
    const tests = start("redis.test.ts");
    assert.equal(await tests.end(), 0, tests.out() + tests.err());
    assert.match(tests.out(), /pass 2/);
  });

  it("resets a database between tests", async () => {
    const tests = start("database-reset.test.ts");
    assert.equal(await tests.end(), 0, tests.out() + tests.err());
    assert.match(tests.out(), /pass 3/);
  });
});
