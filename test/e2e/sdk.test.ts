import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type BuildEvent, Gantry, GantryError, type LocalEngine } from "../../src/sdk/index.ts";

const SERVER = ["sh", "-c", "mkdir /www; echo lifted > /www/index.html; echo listening; exec httpd -f -p 80 -h /www"];

describe("the SDK", () => {
  let gantry: LocalEngine;
  let folder: string;
  before(async () => {
    gantry = await Gantry.start({ images: ["busybox"] });
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-sdk-"));
  });
  after(async () => {
    fs.rmSync(folder, { recursive: true });
    await gantry.stop();
    assert.equal(fs.existsSync(gantry.folder), false);
  });

  it("runs a container to its end", async () => {
    const ran = await gantry.run("busybox", ["sh", "-c", "cat; echo $CRANE; echo bad >&2; exit 3"], {
      env: { CRANE: "tall" },
      input: "typed ",
    });
    assert.deepEqual(ran, { exitCode: 3, stdout: "typed tall\n", stderr: "bad\n" });
    assert.deepEqual(await gantry.containers.list({ all: true }), []);
  });

  it("throw-away containers: exec, logs, copies, ports, and gone at the end of the block", async () => {
    let id: string;
    {
      await using web = await gantry.containers.start("busybox", { command: SERVER, ports: [80], memory: "64m" });
      id = web.id;
      const { host, port } = await web.waitForPort(80);
      assert.equal(await (await fetch(`http://${host}:${port}/`)).text(), "lifted\n");
      assert.equal(await web.waitForLog(/listen/), "listening");
      const ran = await web.exec(["sh", "-c", "cat; id -u; echo $A; pwd; echo e >&2; exit 4"], {
        input: "in ",
        user: "1000",
        env: { A: "b" },
        workingDir: "/tmp",
      });
      assert.deepEqual(ran, { exitCode: 4, stdout: "in 1000\nb\n/tmp\n", stderr: "e\n" });
      assert.equal((await web.inspect()).HostConfig.Memory, 64 << 20);

      await web.copyTo("/www", { "page.html": "copied", "deep/er.txt": Buffer.from("bytes") });
      assert.equal(await (await fetch(`http://${host}:${port}/page.html`)).text(), "copied");
      fs.writeFileSync(path.join(folder, "own.html"), "own");
      await web.copyTo("/www", path.join(folder, "own.html"));
      await web.copyFrom("/www", path.join(folder, "out"));
      assert.equal(fs.readFileSync(path.join(folder, "out/www/own.html"), "utf8"), "own");
      assert.equal(fs.readFileSync(path.join(folder, "out/www/deep/er.txt"), "utf8"), "bytes");
      assert.ok((await web.changes()).some((change) => change.Path === "/www"));

      const lines = [];
      for await (const line of web.logs({ timestamps: true })) lines.push(line);
      assert.equal(lines[0]?.line, "listening");
      assert.ok((lines[0]?.time?.getTime() ?? 0) > Date.now() - 60_000);
      await web.update({ Memory: 96 << 20, MemorySwap: -1 });
      for await (const stats of web.followStats()) {
        assert.equal(stats.memory_stats.limit, 96 << 20);
        break;
      }
    }
    await assert.rejects(gantry.containers.get(id), { kind: "notFound", code: "NO_SUCH_CONTAINER" });
  });

  it("says why a wait ended: the container's end with its last words, a time-out, an abort", async () => {
    await using failing = await gantry.containers.start("busybox", { command: ["sh", "-c", "echo no config; exit 7"] });
    await assert.rejects(failing.waitForLog("ready"), (error: GantryError) => {
      assert.equal(error.code, "CONTAINER_ENDED");
      assert.match(error.message, /ended with 7/);
      assert.match(error.hint ?? "", /no config/);
      return true;
    });
    await using silent = await gantry.containers.start("busybox", { command: ["sleep", "300"] });
    await assert.rejects(silent.waitForLog("ready", { timeout: 200 }), { code: "WAIT_TIMEOUT", kind: "deadline" });
    await assert.rejects(silent.address(80), { code: "NOT_PUBLISHED" });
    const stopped = new AbortController();
    const waiting = silent.wait({ signal: stopped.signal });
    stopped.abort();
    await assert.rejects(waiting, { name: "AbortError" });
  });

  it("waits for health", async () => {
    const check = { interval: 100, retries: 2 };
    await using good = await gantry.containers.start("busybox", {
      command: ["sh", "-c", "sleep 0.3; touch /ready; exec sleep 300"],
      healthcheck: { ...check, retries: 100, command: ["test", "-e", "/ready"] },
    });
    await good.waitHealthy();
    await using bad = await gantry.containers.start("busybox", {
      command: ["sleep", "300"],
      healthcheck: { ...check, command: "echo broken; exit 1" },
    });
    await assert.rejects(bad.waitHealthy(), { code: "UNHEALTHY", hint: "broken" });
  });

  it("sessions: both ways to a running program", async () => {
    await using cat = await gantry.containers.create("busybox", { command: ["cat"], stdin: true });
    using session = await cat.attach({ stdin: true });
    await cat.start();
    await session.write("one ");
    await session.send("two");
    const said = [];
    for await (const { data } of session) said.push(data);
    assert.equal(Buffer.concat(said).toString(), "one two");
    assert.equal(await cat.wait(), 0);
  });

  it("builds with events, and tells which step failed", async () => {
    const context = path.join(folder, "context");
    fs.mkdirSync(context);
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM busybox\nARG WHO\nRUN echo hello $WHO\n");
    const events: BuildEvent[] = [];
    const build = gantry.images.build({ context, tags: ["built"], args: { WHO: "you" } });
    for await (const event of build) events.push(event);
    assert.match(await build, /^sha256:[0-9a-f]{64}$/);
    assert.ok(events.some((event) => event.type === "step" && event.instruction.startsWith("RUN echo")));
    assert.ok(events.some((event) => event.type === "output" && event.text.includes("hello you")));
    assert.ok(await gantry.images.has("built"));
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM busybox\nRUN exit 9\n");
    await assert.rejects(async () => await gantry.images.build({ context }), /returned a non-zero code: 9/);
    await assert.rejects(async () => await gantry.images.build({ context: path.join(folder, "none") }), {
      code: "BAD_CONTEXT",
    });
    const tar = path.join(folder, "built.tar");
    await fs.promises.writeFile(tar, await gantry.images.save("built"));
    await gantry.images.remove("built");
    assert.deepEqual(await gantry.images.load(fs.createReadStream(tar)), ["built:latest"]);
    await gantry.images.remove("built");
  });

  it("networks and volumes", async () => {
    await using network = await gantry.networks.create("yard");
    await using volume = await gantry.volumes.create("hold", { Labels: { a: "b" } });
    {
      await using web = await gantry.containers.start("busybox", { command: SERVER, network: "yard" });
      const address = (await web.inspect()).NetworkSettings.Networks["yard"]?.IPAddress;
      const got = await gantry.run("busybox", ["wget", "-qO-", `http://${address}/`], { network: "yard" });
      assert.equal(got.stdout, "lifted\n");
      await gantry.run("busybox", ["sh", "-c", "echo kept > /data/a"], { volumes: ["hold:/data"] });
      const read = await gantry.run("busybox", ["cat", "/data/a"], { volumes: ["hold:/data:ro"] });
      assert.equal(read.stdout, "kept\n");
      assert.deepEqual(Object.keys((await network.inspect()).Containers ?? {}), [web.id]);
    }
    assert.equal((await volume.inspect()).Name, "hold");
  });

  it("events as they come", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const events = gantry.events({ filters: { event: ["die"] }, signal: stop.signal });
    const first = events.next();
    await gantry.run("busybox", ["sh", "-c", "exit 5"]);
    const { value } = await first;
    seen.push(value?.Actor.Attributes["exitCode"] ?? "");
    stop.abort();
    assert.deepEqual(seen, ["5"]);
  });

  it("errors have a code and a hint", async () => {
    await assert.rejects(gantry.run("no-such-image", [], { pull: "never" }), (error: unknown) => {
      assert.ok(error instanceof GantryError);
      assert.equal(error.code, "NO_SUCH_IMAGE");
      return true;
    });
    assert.throws(() => new Gantry({ host: "carrier-pigeon://x" }), { code: "BAD_HOST" });
    await assert.rejects(new Gantry({ host: "unix:///nowhere" }).version(), { code: "ENGINE_UNREACHABLE" });
    await assert.rejects(gantry.containers.create("busybox", { ports: ["http"] }), { code: "BAD_OPTION" });
  });
});
