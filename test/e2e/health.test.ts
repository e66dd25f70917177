import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

interface Health {
  Status: string;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

afterEach(() => engine.clear());

const healthOf = async (name: string): Promise<Health> =>
  JSON.parse(await engine.ok("inspect", "-f", "{{json .State.Health}}", name)) as Health;
const becomes = (name: string, status: string): Promise<void> =>
  until(async () => (await healthOf(name)).Status === status, { what: `${name} to be ${status}` });

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const start = async (command: string, ...flags: string[]): Promise<void> => {
    const args = [
      "run",
      "-d",
      "--init",
      "--name",
      "ill",
      "--health-cmd",
      command,
      ...flags,
      "busybox",
      "sleep",
      "1000",
    ];
    const ran = await run(program, args, { env: engine.env });
    assert.equal(ran.code, 0, ran.stderr);
  };

  describe(`health checks, through ${cli}`, () => {
    it("run each --health-interval and keep the last five results", async () => {
      await start("echo fine", "--health-interval", "100ms");
      assert.equal((await healthOf("ill")).Status, "starting");
      await until(async () => (await healthOf("ill")).Log.length === 5, { what: "five results" });
      const { Status, FailingStreak, Log } = await healthOf("ill");
      assert.deepEqual([Status, FailingStreak, Log[0]?.ExitCode, Log[0]?.Output], ["healthy", 0, 0, "fine\n"]);
      const last = Log[4]!.Start;
      await until(async () => (await healthOf("ill")).Log[4]!.Start !== last, { what: "another one" });
      assert.equal((await healthOf("ill")).Log.length, 5);
      assert.match(await engine.ok("ps", "--format", "{{.Status}}"), /\(healthy\)/);
    });

    it("fail after --health-retries in a row, and are well again at the first success", async () => {
      await start("test -e /well", "--health-interval", "100ms", "--health-retries", "2");
      await becomes("ill", "unhealthy");
      assert.ok((await healthOf("ill")).FailingStreak >= 2);
      await engine.ok("exec", "ill", "touch", "/well");
      await becomes("ill", "healthy");
      assert.equal((await healthOf("ill")).FailingStreak, 0);
    });

    it("that exceed --health-timeout are killed, and what they said is told", async () => {
      await start(
        "echo begun; sleep 555",
        "--health-interval",
        "100ms",
        "--health-timeout",
        "400ms",
        "--health-retries",
        "1",
      );
      await becomes("ill", "unhealthy");
      const [first] = (await healthOf("ill")).Log;
      assert.deepEqual([first?.ExitCode, first?.Output], [-1, "Health check exceeded timeout (400ms): begun\n"]);
    });

    it("look each --health-start-interval and count no failure within --health-start-period", async () => {
      const period = ["--health-start-period", "60s", "--health-start-interval", "100ms", "--health-interval", "1h"];
      await start("test -e /well", ...period, "--health-retries", "1");
      await until(async () => (await healthOf("ill")).Log.length === 5, { what: "five failures" });
      const { Status, FailingStreak } = await healthOf("ill");
      assert.deepEqual([Status, FailingStreak], ["starting", 0]);
      await engine.ok("exec", "ill", "touch", "/well");
      await becomes("ill", "healthy");
    });
  });
}

describe("health checks", () => {
  it("tell the first 4096 bytes of what they say", async () => {
    const many = "i=0; while [ $i -lt 600 ]; do echo 123456789; i=$((i+1)); done";
    await engine.ok(
      "run",
      "-d",
      "--name",
      "ill",
      "--health-cmd",
      many,
      "--health-interval",
      "100ms",
      "busybox",
      "sleep",
      "100",
    );
    await becomes("ill", "healthy");
    const [first] = (await healthOf("ill")).Log;
    assert.equal(first?.Output.length, 4099);
    assert.match(first?.Output ?? "", /\n123456\.\.\.$/);
  });

  it("are no more once the container has ended, and begin anew with it; earlier results stay", async () => {
    const args = ["--health-cmd", "true", "--health-interval", "100ms", "busybox", "sleep", "1000"];
    await engine.ok("run", "-d", "--name", "ill", ...args);
    await becomes("ill", "healthy");
    await engine.ok("stop", "-t", "0", "ill");
    assert.equal((await healthOf("ill")).Status, "unhealthy");
    const { Log } = await healthOf("ill");
    await engine.ok("start", "ill");
    assert.equal((await healthOf("ill")).Log[0]?.Start, Log[0]?.Start);
    await becomes("ill", "healthy");
  });

  it("go on under the next engine", async () => {
    const args = ["--health-cmd", "true", "--health-interval", "100ms", "busybox", "sleep", "1000"];
    await engine.ok("run", "-d", "--name", "ill", ...args);
    await becomes("ill", "healthy");
    await engine.crash();
    await engine.up();
    const last = (await healthOf("ill")).Log.at(-1)?.Start;
    await until(async () => (await healthOf("ill")).Log.at(-1)?.Start !== last, {
      what: "a result under the new engine",
    });
  });

  it("of an image are taken over in parts, and given up with --no-healthcheck (NONE)", async () => {
    const input = "FROM busybox\nHEALTHCHECK --interval=50ms --retries=7 CMD test -e /etc/passwd";
    const built = await run("docker", ["build", "-t", "checked", "-"], { env: engine.env, input });
    assert.equal(built.code, 0, built.stderr);
    await engine.ok("run", "-d", "--name", "ill", "--health-retries", "2", "checked", "sleep", "100");
    await becomes("ill", "healthy");
    const config = JSON.parse(await engine.ok("inspect", "-f", "{{json .Config.Healthcheck}}", "ill")) as object;
    assert.deepEqual(config, { Test: ["CMD-SHELL", "test -e /etc/passwd"], Interval: 50_000_000, Retries: 2 });
    await engine.ok("run", "-d", "--name", "none", "--no-healthcheck", "checked", "sleep", "100");
    assert.equal(await engine.ok("inspect", "-f", "{{json .State.Health}}", "none"), "null");
  });
});
