import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { archive, member } from "../support/tar-maker.ts";
import { until } from "../support/until.ts";
import { assertTruth, inspect } from "./facts.ts";

const MEGABYTE = 1 << 20;

let engine: TestEngine;

before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** A GET whose answer is not read but for its head. */
async function slowReader(url: string): Promise<{ response: http.IncomingMessage; close(): void }> {
  const request = http.get({ socketPath: engine.socket, path: url, agent: false });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.on("error", () => {});
  return { response, close: () => request.destroy() };
}

/** A PUT whose body does not end, and the answer if there is one. */
function slowWriter(url: string): { request: http.ClientRequest; answer: Promise<{ status: number; text: string }> } {
  const request = http.request({ socketPath: engine.socket, path: url, method: "PUT", agent: false });
  const answer = (async () => {
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 0, text };
  })();
  answer.catch(() => {});
  request.write(member({ name: "endless", size: 1 << 30, content: "" }).subarray(0, 512));
  request.write(Buffer.alloc(4 * MEGABYTE, 1));
  return { request, answer };
}

const mounted = (id: string): boolean => fs.readFileSync("/proc/self/mounts", "utf8").includes(`workspaces/${id}/`);
const upper = (id: string, file: string): string => path.join(engine.dataRoot, "workspaces", id, "upper", file);

/** A container that is down, with a file of 32 MB. */
async function stopped(): Promise<string> {
  const id = await engine.ok("create", "-v", "kept:/kept", "busybox", "sh", "-c", "head -c 33554432 /dev/zero >/big");
  await engine.ok("start", "-a", id);
  return id;
}

describe("a container that swaps a folder for a link while it is copied from and to", () => {
  it("shows nothing of the host's and changes nothing there in hundreds of copies", async () => {
    const victim = path.join(engine.folder, "victim");
    fs.mkdirSync(victim);
    fs.writeFileSync(path.join(victim, "secret"), "OUTSIDE");
    const before = fs.statSync(victim).mtimeMs;
    const script = `
      mkdir -p /w/a /w/b; echo inside >/w/a/secret; echo inside >/w/b/secret
      (while :; do mv /w/a /w/x; mv /w/x /w/a; ln -s ${victim} /w/x; rm /w/x; done) 2>/dev/null &
      (while :; do ln -s ../../../../../../../../../..${victim} /w/y; rm /w/y; mv /w/b /w/y; mv /w/y /w/b; done) 2>/dev/null &
      sleep 1000`;
    const id = await engine.ok("run", "-d", "--name", "swapper", "busybox", "sh", "-c", script);
    const tar = archive({ name: "written", content: "x" }, { name: "deep/er", content: "y" });
    let copies = 0;
    const seen = { ok: 0, refused: 0 };
    const end = Date.now() + 30_000;
    const attack = async (name: string): Promise<void> => {
      while (copies < 600 && Date.now() < end) {
        const url = `/containers/${id}/archive?path=/w/${name}`;
        for (const [method, address, body] of [
          ["PUT", url, tar],
          ["GET", `${url}/secret`],
          ["GET", `${url}/`],
          ["HEAD", url],
        ] as const) {
          const { status, text } = await engine.get(address, method, body);
          copies += 1;
          assert.ok([200, 400, 404].includes(status), text);
          assert.ok(!text.includes("OUTSIDE"));
          seen[status === 200 ? "ok" : "refused"] += 1;
        }
      }
    };
    await Promise.all([attack("x"), attack("y"), attack("x"), attack("y")]);
    assert.ok(copies > 300 && seen.ok > 30 && seen.refused > 30, JSON.stringify({ copies, seen }));
    assert.deepEqual(fs.readdirSync(victim), ["secret"]);
    assert.equal(fs.statSync(victim).mtimeMs, before);
    assert.equal((await engine.get("/_ping")).status, 200);
    await engine.ok("rm", "-f", id);
  });
});

describe("a copy that is cut short", () => {
  it("by its client leaves nothing mounted, and no half of an image", async () => {
    const id = await stopped();
    const url = `/containers/${id}/archive?path=/`;
    const reader = await slowReader(url);
    assert.equal(mounted(id), true);
    const writer = slowWriter(url);
    await until(() => fs.existsSync(upper(id, "endless")), { what: "the first bytes" });
    reader.close();
    writer.request.destroy();
    await until(() => !mounted(id), { what: "the root to be unmounted" });
    await engine.ok("rm", "-v", id);
    assert.doesNotMatch(engine.log, /a bug/);
  });

  it("by the container's removal ends with an error at once", async () => {
    const id = await stopped();
    const url = `/containers/${id}/archive?path=/`;
    const reader = await slowReader(url);
    const writer = slowWriter(url);
    await until(() => fs.existsSync(upper(id, "endless")), { what: "the first bytes" });
    await engine.ok("rm", "-v", id);
    const { status, text } = await writer.answer;
    assert.equal(status, 409);
    assert.match(text, /is being removed/);
    await assert.rejects(reader.response.toArray(), /aborted/);
    assert.equal((await engine.get(url)).status, 404);
    reader.close();
    writer.request.destroy();
  });

  it("goes on when the container ends or starts meanwhile, with one and the same tree", async () => {
    const script = "head -c 33554432 /dev/zero >/big; touch /up; sleep 1000";
    const id = await engine.ok("run", "-d", "busybox", "sh", "-c", script);
    await until(() => fs.existsSync(upper(id, "up")), { what: "its file" });
    const reader = await slowReader(`/containers/${id}/archive?path=/big`);
    await engine.ok("stop", "-t", "0", id);
    assert.equal(mounted(id), true);
    await engine.ok("start", id);
    await engine.ok("stop", "-t", "0", id);
    const bytes = (await reader.response.toArray()).reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0);
    assert.ok(bytes >= 33554432 + 1024 + 512, `${bytes} bytes`);
    await until(() => !mounted(id), { what: "the root to be unmounted" });
    await engine.ok("rm", id);
  });

  for (const moment of [0, 80]) {
    it(`by kill -9 of the engine leaves nothing (${moment} ms after its first bytes)`, async () => {
      const id = await stopped();
      const reader = await slowReader(`/containers/${id}/export`);
      const writer = slowWriter(`/containers/${id}/archive?path=/`);
      await until(() => fs.existsSync(upper(id, "endless")), { what: "the first bytes" });
      await pause(moment);
      await engine.crash();
      reader.close();
      writer.request.destroy();
      await engine.up();
      assert.equal(mounted(id), false);
      await assertTruth(engine);
      await engine.ok("cp", "/etc/hostname", `${id}:/after`);
      assert.equal(mounted(id), false);
      await engine.ok("start", "-a", id);
      await engine.ok("rm", "-v", id);
    });
  }

  for (const moment of [40, 100, 250]) {
    it(`in a commit, by kill -9 of the engine, lets the container go on (${moment} ms)`, async () => {
      const script = "head -c 16777216 /dev/urandom >/big; touch /up; while :; do echo tick; sleep 0.02; done";
      const id = await engine.ok("run", "-d", "busybox", "sh", "-c", script);
      await until(() => fs.existsSync(upper(id, "up")), { what: "its file" });
      const commit = engine.get(`/commit?container=${id}&repo=cut`, "POST").catch(() => undefined);
      await pause(moment);
      await engine.crash();
      await commit;
      await engine.up();
      await assertTruth(engine);
      assert.equal((await inspect(engine, id)).State.Status, "running");
      const lines = (): number => fs.readFileSync(path.join(engine.dataRoot, "containers", id, "container.log")).length;
      const known = lines();
      await until(() => lines() > known, { what: "it to go on" });
      const found = await engine.docker("run", "--rm", "cut", "test", "-e", "/big");
      assert.ok(found.code === 0 || /[Uu]nable to find|No such image/.test(found.stderr), found.stderr);
      await engine.docker("rmi", "cut");
      await engine.ok("rm", "-f", id);
    });
  }
});

describe("hostile archives", () => {
  it("change nothing outside of the target, whatever they name", async () => {
    const id = await engine.ok("create", "busybox");
    const put = (tar: Buffer, target = "/tmp"): ReturnType<TestEngine["get"]> =>
      engine.get(`/containers/${id}/archive?path=${target}`, "PUT", tar);
    const outside = path.join(engine.folder, "outside");
    fs.mkdirSync(outside);
    assert.equal((await put(archive({ name: "../../etc/passwd", content: "x" }))).status, 400);
    const links = archive(
      { name: "out", type: "symlink", link: outside },
      { name: "out/written", content: "x" },
      { name: "up", type: "symlink", link: "../../../../../../../.." },
      { name: `up${outside}/written`, content: "x" },
      { name: "hard", type: "link", link: "out/written" },
    );
    assert.equal((await put(links)).status, 200);
    assert.deepEqual(fs.readdirSync(outside), []);
    assert.equal((await put(archive({ name: "h", type: "link", link: "../etc/passwd" }))).status, 400);
    assert.equal((await put(Buffer.alloc(2048, 7))).status, 400);
    const nodes = archive({ name: "fifo", type: "fifo" }, { name: "null", type: "char", major: 1, minor: 3 });
    assert.equal((await put(nodes)).status, 200);
    assert.equal((await put(archive({ name: "fifo", content: "now a file" }))).status, 200);
    assert.equal((await engine.get(`/containers/${id}/archive?path=/tmp/null`)).status, 200);
    await engine.ok("rm", id);
  });
});
