import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type BuildEvent, type Chunk, type Gantry, GantryError, type Session } from "../../src/sdk/index.ts";

const SERVER = ["sh", "-c", "mkdir /www; echo lifted > /www/index.html; echo listening; exec httpd -f -p 80 -h /www"];

/** What holds against gantryd and dockerd alike. `image`: a busybox in the engine. */
export function sdkCore(name: string, image: string, connect: () => Promise<Gantry>): void {
  describe(name, () => {
    let gantry: Gantry;
    let folder: string;
    const tag = `sdk${randomBytes(4).toString("hex")}`;
    const labels = { [tag]: "1" };
    const own = { label: [tag] };
    before(async () => {
      gantry = await connect();
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-sdk-"));
    });
    after(async () => {
      fs.rmSync(folder, { recursive: true });
      assert.deepEqual(await gantry.containers.list({ all: true, filters: own }), []);
    });

    it("runs a container to its end", async () => {
      const ran = await gantry.run(image, ["sh", "-c", "cat; echo $CRANE; echo bad >&2; exit 3"], {
        env: { CRANE: "tall" },
        input: "typed ",
        labels,
      });
      assert.deepEqual(ran, { exitCode: 3, stdout: "typed tall\n", stderr: "bad\n" });
      assert.deepEqual(await gantry.containers.list({ all: true, filters: own }), []);
    });

    it("throw-away containers: exec, logs, copies, ports, and gone at the end of the block", async () => {
      let id: string;
      {
        await using web = await gantry.containers.start(image, { command: SERVER, ports: [80], memory: "64m", labels });
        id = web.id;
        const { host, port } = await web.waitForPort(80);
        const url = await web.waitForHttp(80, "/index.html", { status: 200 });
        assert.equal(url, `http://${host}:${port}/index.html`);
        assert.equal(await (await fetch(url)).text(), "lifted\n");
        assert.equal(await web.waitForLog(/listen/g), "listening");
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
        assert.equal((await web.stat("/www/own.html")).size, 3);
        await assert.rejects(web.stat("/nowhere"), { kind: "notFound" });
        assert.ok((await web.changes()).some((change) => change.Path === "/www"));

        const lines = [];
        for await (const line of web.logs({ timestamps: true })) lines.push(line);
        assert.equal(lines[0]?.line, "listening");
        assert.ok((lines[0]?.time?.getTime() ?? 0) > Date.now() - 60_000);
        await web.update({ Memory: 96 << 20, MemorySwap: -1, restart: "on-failure" });
        assert.equal((await web.inspect()).HostConfig.RestartPolicy?.Name, "on-failure");
        for await (const stats of web.followStats()) {
          assert.equal(stats.memory_stats.limit, 96 << 20);
          break;
        }
      }
      await assert.rejects(gantry.containers.get(id), { kind: "notFound" });
    });

    it("says why a wait ended: the container's end with its last words, a time-out, an abort", async () => {
      const start = (script: string) =>
        gantry.containers.start(image, { command: ["sh", "-c", script], ports: [81], labels });
      await using failing = await start("echo no config; exit 7");
      const ended = (error: GantryError): boolean => {
        assert.equal(error.code, "CONTAINER_ENDED");
        assert.match(error.message, /ended with 7/);
        assert.match(error.hint ?? "", /no config/);
        return true;
      };
      await assert.rejects(failing.waitForLog("ready"), ended);
      await assert.rejects(failing.waitForPort(81), ended);
      await using silent = await start("echo still here; exec sleep 300");
      await silent.waitForLog("here");
      for (const wait of [
        () => silent.waitForLog("ready", { timeout: 200 }),
        () => silent.waitForPort(81, { timeout: 300 }),
        () => silent.waitForHttp(81, "/", { timeout: 300 }),
      ]) {
        await assert.rejects(wait(), { code: "WAIT_TIMEOUT", kind: "deadline", hint: "it wrote last:\nstill here" });
      }
      await assert.rejects(silent.address(80), { code: "NOT_PUBLISHED" });
      await assert.rejects(silent.waitHealthy(), { code: "NO_HEALTHCHECK" });
      for (const wait of [
        (signal: AbortSignal) => silent.wait({ signal }),
        (signal: AbortSignal) => silent.waitForPort(81, { signal }),
        (signal: AbortSignal) => silent.waitReady({ port: 81, log: "ready" }, { signal }),
      ]) {
        const stopped = new AbortController();
        const waiting = wait(stopped.signal);
        stopped.abort();
        await assert.rejects(waiting, { name: "AbortError" });
      }
    });

    it("waits for all that is asked, ends with the first that fails, and keeps nothing then", async () => {
      const options = { command: SERVER, ports: [80], labels };
      await using web = await gantry.containers.start(image, {
        ...options,
        ready: { port: 80, log: "listening", http: { port: 80 }, timeout: 30_000 },
      });
      assert.equal((await web.inspect()).State.Running, true);
      const failing = { ...options, command: ["sh", "-c", "sleep 0.2; exit 3"] };
      const starting = gantry.containers.start(image, { ...failing, ready: { port: 80, log: "never" } });
      await assert.rejects(starting, { code: "CONTAINER_ENDED" });
      const left = await gantry.containers.list({ all: true, filters: own });
      assert.deepEqual(
        left.map(({ Id }) => Id),
        [web.id],
      );
    });

    it("waits for health", async () => {
      const check = { interval: 100, retries: 2 };
      await using good = await gantry.containers.start(image, {
        labels,
        command: ["sh", "-c", "sleep 0.3; touch /ready; exec sleep 300"],
        healthcheck: { ...check, retries: 100, command: ["test", "-e", "/ready"] },
      });
      await good.waitHealthy();
      await using bad = await gantry.containers.start(image, {
        labels,
        command: ["sleep", "300"],
        healthcheck: { ...check, command: "echo broken; exit 1" },
      });
      await assert.rejects(bad.waitHealthy(), { code: "UNHEALTHY", hint: "broken" });
    });

    it("sessions: both ways to a running program, loops that go on, its exit code", async () => {
      await using cat = await gantry.containers.create(image, { command: ["cat"], stdin: true, labels });
      using session = await cat.attach({ stdin: true });
      await cat.start();
      await session.write("one ");
      assert.equal(await first(session), "one ");
      await session.send("two");
      assert.equal(await rest(session), "two");
      assert.equal(await session.exitCode(), 0);
      await assert.rejects(session.write("late"), { code: "SESSION_ENDED" });
    });

    it("exec sessions have a terminal of a size, and exit codes", async () => {
      await using box = await gantry.containers.start(image, { command: ["sleep", "300"], labels });
      using shell = await box.execSession(["sh", "-c", "read a; stty size; exit 6"], { tty: true });
      await shell.resize(33, 101);
      await shell.write("go\n");
      assert.match(await rest(shell), /33 101/);
      assert.equal(await shell.exitCode(), 6);
      const id = await box.execDetached(["sh", "-c", "echo left > /note"]);
      await box.exec(["sh", "-c", "until [ -s /note ]; do sleep 0.02; done"]);
      assert.equal((await gantry.api.exec.inspect(id)).ID, id);
      const big = await box.exec(["head", "-c", "3"], { input: Buffer.alloc(20 << 20, "x") });
      assert.deepEqual(big, { exitCode: 0, stdout: "xxx", stderr: "" });
      const counted = await box.exec(["wc", "-c"], { input: Buffer.alloc(5 << 20, "x") });
      assert.equal(counted.stdout.trim(), String(5 << 20));
    });

    it("a signal ends whatever it was given to, with its own reason", async () => {
      await using box = await gantry.containers.start(image, {
        command: ["sh", "-c", "echo up; exec sleep 300"],
        labels,
      });
      const reason = new Error("enough");
      const given: [string, (signal: AbortSignal) => Promise<unknown>][] = [
        ["exec", (signal) => box.exec(["sleep", "300"], { signal })],
        ["run", (signal) => gantry.run(image, ["sleep", "300"], { signal, labels })],
        ["logs", (signal) => drain(box.logs({ follow: true, signal }))],
        ["stats", (signal) => drain(box.followStats({ signal }))],
        ["events", (signal) => drain(gantry.events({ signal }))],
        ["export", async (signal) => slowly(await box.export({ signal }), signal)],
        ["session", async (signal) => rest(await box.execSession(["sleep", "300"], { signal }))],
        ["build", (signal) => drain(gantry.images.build({ context: endless(signal), signal }))],
      ];
      for (const [what, begin] of given) {
        const stop = new AbortController();
        const work = begin(stop.signal);
        const timer = setTimeout(() => stop.abort(reason), 250);
        await assert.rejects(work, (error) => {
          assert.equal(error, reason, what);
          return true;
        });
        clearTimeout(timer);
      }
      const left = await gantry.containers.list({ all: true, filters: own });
      assert.equal(left.length, 1);
    });

    it("builds with events, and tells which step failed", async () => {
      const context = path.join(folder, "context");
      fs.mkdirSync(context);
      fs.writeFileSync(path.join(context, "Dockerfile"), `FROM ${image}\nARG WHO\nRUN echo hello $WHO\n`);
      const events: BuildEvent[] = [];
      const build = gantry.images.build({ context, tags: [tag], args: { WHO: "you" } });
      for await (const event of build) events.push(event);
      assert.match(await build, /^sha256:[0-9a-f]{64}$/);
      assert.throws(() => build[Symbol.asyncIterator](), TypeError);
      assert.ok(events.some((event) => event.type === "step" && event.instruction.startsWith("RUN echo")));
      assert.ok(events.some((event) => event.type === "output" && event.text.includes("hello you")));
      assert.ok(await gantry.images.has(tag));
      fs.writeFileSync(path.join(context, "Dockerfile"), `FROM ${image}\nRUN exit 9\n`);
      await assert.rejects(
        gantry.images.build({ context }).finally(() => {}),
        {
          kind: "invalid",
          code: "RUN_FAILED",
          details: { exitCode: 9 },
        },
      );
      const missing = gantry.images.build({ context: path.join(folder, "none") });
      assert.equal(await missing.catch((error: unknown) => (error as GantryError).code), "BAD_CONTEXT");
      const tar = path.join(folder, "built.tar");
      await fs.promises.writeFile(tar, await gantry.images.save(tag));
      await gantry.images.remove(tag);
      assert.deepEqual(await gantry.images.load(fs.createReadStream(tar)), [`${tag}:latest`]);
      await gantry.images.remove(tag);
      assert.ok((await gantry.images.pruneBuildCache({ all: true })).reclaimed >= 0);
    });

    it("an export comes back as an image", async () => {
      await using box = await gantry.containers.start(image, { command: ["sleep", "300"], labels });
      await box.exec(["sh", "-c", "echo kept > /note"]);
      const id = await gantry.images.import(await box.export(), {
        name: `${tag}-copy`,
        changes: ['CMD ["cat","/note"]'],
      });
      assert.equal((await gantry.images.inspect(`${tag}-copy`)).Id, id);
      assert.equal((await gantry.run(id, undefined, { labels })).stdout, "kept\n");
      await gantry.images.remove(id);
    });

    it("networks and volumes", async () => {
      await using network = await gantry.networks.create(`${tag}-yard`);
      await using volume = await gantry.volumes.create(`${tag}-hold`, { Labels: { a: "b" } });
      {
        const options = { network: network.name, labels };
        await using web = await gantry.containers.start(image, {
          command: SERVER,
          ...options,
          ready: { log: "listening" },
        });
        const address = (await web.inspect()).NetworkSettings.Networks[network.name]?.IPAddress;
        const script = `until wget -qO- http://${address}/; do sleep 0.05; done`;
        const got = await gantry.run(image, ["sh", "-c", `${script} 2>/dev/null`], options);
        assert.match(got.stdout, /lifted\n$/);
        const data = `${volume.name}:/data`;
        await gantry.run(image, ["sh", "-c", "echo kept > /data/a"], { volumes: [data], labels });
        const read = await gantry.run(image, ["cat", "/data/a"], { volumes: [`${data}:ro`], labels });
        assert.equal(read.stdout, "kept\n");
        assert.deepEqual(Object.keys((await network.inspect()).Containers ?? {}), [web.id]);
      }
      assert.equal((await volume.inspect()).Name, volume.name);
      await volume.remove(); // the end of the block does not mind
    });

    it("events as they come", async () => {
      const stop = new AbortController();
      const events = gantry.events({ filters: { event: ["die"], label: [tag] }, signal: stop.signal });
      const next = events.next();
      await gantry.run(image, ["sh", "-c", "exit 5"], { labels });
      const { value } = await next;
      stop.abort();
      assert.equal(value?.Actor.Attributes["exitCode"], "5");
    });

    it("errors have a kind and say what was refused", async () => {
      await assert.rejects(gantry.run("no-such-image", [], { pull: "never" }), (error: unknown) => {
        assert.ok(error instanceof GantryError);
        assert.equal(error.kind, "notFound");
        assert.match(error.message, /no-such-image/i);
        return true;
      });
      await assert.rejects(gantry.containers.create(image, { ports: ["http"] }), { code: "BAD_OPTION" });
      assert.match(await gantry.ping(), /^1\.\d+$/);
    });
  });
}

async function first(session: Session): Promise<string> {
  for await (const { data } of session) return data.toString();
  return "";
}

async function rest(chunks: AsyncIterable<Chunk>): Promise<string> {
  const parts = [];
  for await (const { data } of chunks) parts.push(data);
  return Buffer.concat(parts).toString();
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** Reads one piece, and the rest after the abort. */
async function slowly(items: AsyncGenerator<Buffer>, signal: AbortSignal): Promise<void> {
  await items.next();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  await drain(items);
}

/** The beginning of a tar whose rest does not come. */
async function* endless(signal: AbortSignal): AsyncGenerator<Buffer> {
  yield Buffer.alloc(512);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}
