import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { assertTruth, inspect, lives } from "./facts.ts";

const PORT = 30_000 + (process.pid % 10_000);
const CROWD = 20;

let engine: TestEngine;
const pids = new Map<string, number>();
let down: { from: number; to: number };
let ready: number;

const sh = (script: string): string[] => ["busybox", "sh", "-c", script];
const status = async (name: string): Promise<string> => (await inspect(engine, name)).State.Status;

before(async () => {
  engine = await TestEngine.start();
  const run = (name: string, ...args: string[]): Promise<string> => engine.ok("run", "-d", "--name", name, ...args);
  const count = 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.02; done';
  await run("ticks", ...sh(count));
  await run("web", "-p", `${PORT}:80`, "busybox", "httpd", "-f", "-p", "80", "-h", "/etc");
  await run("echo", "-i", "busybox", "cat");
  await run("typing", "-it", ...sh("stty -echo; while read x; do echo got $x; done"));
  await run(
    "sick",
    "--health-cmd",
    "test -e /well",
    "--health-interval",
    "100ms",
    "--health-retries",
    "1",
    ...sh("sleep 1000"),
  );
  await run("flaky", "--restart", "on-failure", ...sh("sleep 1000"));
  await run("still", "busybox", "sleep", "1000");
  await run("frozen", "busybox", "sleep", "1000");
  await engine.ok("pause", "frozen");
  // These end while nobody watches.
  await run("ended", ...sh("while ! test -e /go; do sleep 0.02; done; sleep 0.5; echo last words; exit 9"));
  await run("thrown", "--rm", ...sh("while ! test -e /go; do sleep 0.02; done; exit 3"));
  await run("ever", "--restart", "always", ...sh("while ! test -e /go; do sleep 0.02; done; rm /go; exit 0"));
  await run("halted", "--restart", "unless-stopped", "busybox", "sleep", "1000");
  await run("again", "--restart", "always", "busybox", "sleep", "1000");
  await engine.ok("stop", "-t", "0", "halted", "again");
  const crowd = Array.from({ length: CROWD }, (_, index) => `crowd${index}`);
  for (const name of crowd) await run(name, "--network", "none", "busybox", "sleep", "1000");
  for (const name of ["ticks", "web", "echo", "typing", "sick", "flaky", "still", "frozen", ...crowd])
    pids.set(name, (await inspect(engine, name)).State.Pid);
  // the container may end, and the exec in it, before the exec can say how it went
  await Promise.all(["ended", "thrown", "ever"].map((name) => engine.docker("exec", name, "touch", "/go")));
  down = { from: Date.now(), to: 0 };
  await engine.crash();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  down.to = Date.now();
  ready = await engine.up();
});
after(() => engine.end());

/** A docker CLI with its stdio in our hands. */
function client(...args: string[]): { child: ChildProcess; output: () => string; say: (text: string) => void } {
  const child = spawn("docker", args, { env: engine.env, stdio: ["pipe", "pipe", "pipe"] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, output: () => text, say: (words) => void child.stdin?.write(words) };
}

describe("after a kill -9 of the engine and a second without one", () => {
  it("is ready again within two seconds", (t) => {
    t.diagnostic(`ready after ${Math.round(ready)} ms with ${pids.size} containers running`);
    assert.ok(ready < 2000, `${ready} ms`);
  });

  it("says the truth of every container, and none that ran on has another pid", async () => {
    await assertTruth(engine);
    for (const [name, pid] of pids) {
      assert.equal((await inspect(engine, name)).State.Pid, pid, name);
      assert.equal(lives(pid), true, name);
    }
    assert.equal(await status("frozen"), "paused");
  });

  it("has the whole log, without a gap, and follows it on", async () => {
    const lines = (await engine.ok("logs", "ticks")).split("\n");
    assert.deepEqual(
      lines,
      lines.map((_, index) => `line ${index + 1}`),
    );
    const stamps = (await engine.ok("logs", "-t", "ticks"))
      .split("\n")
      .map((line) => Date.parse(line.split(" ")[0] ?? ""));
    assert.ok(
      stamps.filter((at) => at > down.from + 100 && at < down.to - 100).length > 10,
      "lines from the time without an engine",
    );
    const follower = client("logs", "-f", "--tail", "0", "ticks");
    await until(() => /line \d+\nline \d+\n/.test(follower.output()), { what: "new lines" });
    follower.child.kill("SIGKILL");
    await once(follower.child, "close");
  });

  it("still publishes ports, and gives them free at the end", async () => {
    assert.match(await (await fetch(`http://127.0.0.1:${PORT}/hostname`)).text(), /^[0-9a-f]{12}$/m);
    assert.match(await engine.ok("port", "web"), new RegExp(`80/tcp -> 0.0.0.0:${PORT}`));
    const second = await engine.docker("run", "--rm", "-p", `${PORT}:80`, "busybox", "true");
    assert.match(second.stderr, /already allocated|in use/);
    await engine.ok("rm", "-f", "web");
    await engine.ok("run", "--rm", "-p", `${PORT}:80`, "busybox", "true");
  });

  it("attaches: stdin comes through, and what a terminal shows", async () => {
    const pipe = client("attach", "echo");
    await until(
      () => {
        if (pipe.output() === "") pipe.say("hello\n");
        return pipe.output().includes("hello");
      },
      { what: "the reply", every: 200 },
    );
    const screen = client("attach", "--no-stdin", "typing");
    await until(
      async () => {
        await engine.ok("exec", "typing", "sh", "-c", "echo from within > /proc/1/fd/1");
        return screen.output().includes("from within\r\n");
      },
      { what: "the terminal's output" },
    );
    for (const { child } of [pipe, screen]) {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  it("runs further commands in them and lists their processes", async () => {
    assert.equal(await engine.ok("exec", "still", "echo", "inside"), "inside");
    assert.match(await engine.ok("top", "still"), /sleep 1000/);
  });

  it("goes on with health checks", async () => {
    await until(async () => (await inspect(engine, "sick")).State.Health?.Status === "unhealthy", {
      what: "unhealthy",
    });
    await engine.ok("exec", "sick", "touch", "/well");
    await until(async () => (await inspect(engine, "sick")).State.Health?.Status === "healthy", { what: "healthy" });
  });

  it("has the true exit code and the right time of one that ended meanwhile", async () => {
    const { State } = await inspect(engine, "ended");
    assert.deepEqual([State.Status, State.ExitCode, State.Error], ["exited", 9, ""]);
    const finished = Date.parse(State.FinishedAt);
    assert.ok(
      finished > down.from && finished < down.to,
      `${State.FinishedAt}, without an engine ${down.from} to ${down.to}`,
    );
    assert.equal(await engine.ok("logs", "ended"), "last words");
  });

  it("has removed a --rm container that ended meanwhile", async () => {
    assert.equal(await engine.ok("ps", "-aq", "--filter", "name=thrown"), "");
  });

  it("starts what is to run always again, and leaves what was stopped by hand with unless-stopped", async () => {
    await until(async () => (await status("ever")) === "running", { what: "the one that always runs" });
    await until(async () => (await status("again")) === "running", { what: "always, also after a stop by hand" });
    assert.equal(await status("halted"), "exited");
  });

  it("applies restart policies to the adopted", async () => {
    process.kill(pids.get("flaky") as number, "SIGKILL");
    await until(async () => (await inspect(engine, "flaky")).RestartCount === 1, { what: "a restart" });
    await until(async () => (await status("flaky")) === "running", { what: "it to run" });
  });

  it("unpauses, stops, and removes the adopted", async () => {
    await engine.ok("unpause", "frozen");
    await engine.ok("stop", "-t", "0", "frozen");
    assert.equal((await inspect(engine, "frozen")).State.ExitCode, 137);
    const waiting = engine.ok("wait", "still");
    await engine.ok("kill", "-s", "INT", "ticks");
    await engine.ok("rm", "-f", "still");
    assert.equal(await waiting, "137");
    await assertTruth(engine);
  });
});
