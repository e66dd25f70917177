import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { type Ran, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { assertTruth, chance, inspect } from "./facts.ts";

const PORT = 20_000 + (process.pid % 10_000);
/** Other moments: FAULT_SEED=7. */
const random = chance(Number(process.env["FAULT_SEED"] ?? 11));

let engine: TestEngine;
let bystander: { pid: number; ticks: number };

before(async () => {
  engine = await TestEngine.start();
  const script = 'i=0; httpd -p 80 -h /etc; while :; do i=$((i+1)); echo "tick $i"; sleep 0.1; done';
  await engine.ok("run", "-d", "--name", "bystander", "-p", `127.0.0.1:${PORT}:80`, "busybox", "sh", "-c", script);
  bystander = { pid: (await inspect(engine, "bystander")).State.Pid, ticks: 0 };
  assert.equal(await fetched(), true);
});
after(() => engine.end());

const fetched = async (): Promise<boolean> => {
  const reply = await fetch(`http://127.0.0.1:${PORT}/hostname`, { signal: AbortSignal.timeout(2000) });
  return reply.ok && (await reply.text()).length > 0;
};

/** Kills the engine in the middle of the operation, brings it up again, and looks whether anything was lost or is a lie. */
async function cut(operation: () => Promise<unknown>, moment: () => Promise<void>): Promise<void> {
  const running = operation();
  await moment();
  await engine.crash();
  await running;
  assert.equal(await fetched(), true, "published ports go on while the engine is down");
  await engine.up();
  await assertTruth(engine);
  assert.equal((await inspect(engine, "bystander")).State.Pid, bystander.pid);
  const lines = (await engine.ok("logs", "bystander")).split("\n");
  assert.deepEqual(
    lines,
    lines.map((_, index) => `tick ${index + 1}`),
  );
  assert.ok(lines.length > bystander.ticks, "its log goes on");
  bystander.ticks = lines.length;
}

/** Up to `limit` milliseconds after the client was started; a client takes about 30 to reach the engine. */
const sometime = (limit: number) => async (): Promise<void> => {
  const pause = random() * limit;
  await new Promise((resolve) => setTimeout(resolve, pause));
};

const sign = (what: string, seen: () => boolean) => (): Promise<void> =>
  until(seen, { what, every: 1, timeout: 10_000 });

const networksOf = async (id: string): Promise<string[]> => {
  const names = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
  return (await engine.ok("inspect", "-f", names, id)).trim().split(" ").toSorted();
};

/** Besides the loopback. */
const linksIn = async (id: string): Promise<number> =>
  (await engine.ok("exec", id, "ip", "-o", "link")).split("\n").filter((line) => !line.includes("LOOPBACK")).length;

const ran = (result: Ran): void => assert.equal(result.code, 0, result.stderr);

const repeated = [0, 1, 2, 3];

describe("kill -9 of the engine", () => {
  for (const round of repeated) {
    it(`during create (${round + 1})`, async () => {
      const name = `create${round}`;
      await cut(() => engine.docker("create", "--name", name, "-v", "/anonymous", "busybox", "true"), sometime(60));
      const again = await engine.docker("create", "--name", name, "-v", "/anonymous", "busybox", "true");
      if (again.code !== 0) assert.match(again.stderr, /already in use/);
      await engine.ok("start", "-a", name);
      assert.equal((await inspect(engine, name)).State.ExitCode, 0);
      await engine.ok("rm", "-v", name);
    });
  }

  it("left no volume of a container that never came to be", async () => {
    assert.equal(await engine.ok("volume", "ls", "-q"), "");
  });

  const signs = {
    "its root is mounted": (id: string) => fs.readFileSync("/proc/mounts", "utf8").includes(`workspaces/${id}`),
    "its network is there": (id: string) => fs.existsSync(`${engine.execRoot}/netns/${id}`),
    "its monitor is there": (id: string) => fs.existsSync(`${engine.execRoot}/bundles/${id}/monitor.pid`),
    "its pid is known": (id: string) => fs.existsSync(`${engine.execRoot}/bundles/${id}/pid`),
  };
  for (const [what, seen] of Object.entries(signs)) {
    it(`during start, when ${what}`, async () => {
      const id = await engine.ok("create", "--name", "start", "-p", "80", "busybox", "sleep", "1000");
      await cut(
        () => engine.docker("start", id),
        sign(what, () => seen(id)),
      );
      ran(await engine.docker("start", id));
      await assertTruth(engine);
      await engine.ok("rm", "-f", id);
    });
  }

  for (const round of repeated) {
    it(`during run --rm, at some moment (${round + 1})`, async () => {
      const name = `run${round}`;
      await cut(() => engine.docker("run", "--rm", "--name", name, "busybox", "sleep", "0.2"), sometime(250));
      await until(async () => !(await engine.ok("ps", "-q", "--filter", `name=${name}`)), { what: "its end" });
      const left = await engine.ok("ps", "-a", "--format", "{{.State}}", "--filter", `name=${name}`);
      assert.ok(left === "" || left === "created", left);
      if (left !== "") await engine.ok("rm", name);
      await engine.ok("run", "--rm", "--name", name, "busybox", "true");
    });
  }

  for (const round of repeated) {
    it(`during stop (${round + 1})`, async () => {
      const script = 'trap "exit 7" TERM; while :; do sleep 0.01; done';
      const id = await engine.ok("run", "-d", "--name", "stop", "busybox", "sh", "-c", script);
      await cut(() => engine.docker("stop", id), sometime(120));
      ran(await engine.docker("stop", id));
      assert.equal((await inspect(engine, id)).State.ExitCode, 7);
      await assertTruth(engine);
      await engine.ok("rm", id);
    });
  }

  for (const round of repeated) {
    it(`during rm -f (${round + 1})`, async () => {
      const id = await engine.ok("run", "-d", "--name", "rm", "-v", "/anonymous", "busybox", "sleep", "1000");
      await cut(() => engine.docker("rm", "-fv", id), sometime(120));
      const again = await engine.docker("rm", "-fv", id);
      assert.equal(await engine.ok("ps", "-aq", "--filter", "name=^rm$"), "");
      assert.ok(again.code === 0 || /No such container/.test(again.stderr), again.stderr);
    });
  }

  for (const round of repeated) {
    it(`during network connect and disconnect (${round + 1})`, async () => {
      await engine.ok("network", "create", "joined");
      const id = await engine.ok("run", "-d", "--name", "joins", "busybox", "sleep", "1000");
      for (const verb of ["connect", "disconnect", "connect"]) {
        await cut(() => engine.docker("network", verb, "joined", "joins"), sometime(70));
        const on = await networksOf(id);
        assert.equal(await linksIn(id), on.length, `${verb}: ${on}`);
        if (on.includes("joined") !== (verb === "connect"))
          ran(await engine.docker("network", verb, "joined", "joins"));
        assert.equal(await linksIn(id), verb === "connect" ? 2 : 1, verb);
      }
      await engine.ok("restart", "-t", "0", id);
      assert.deepEqual(await networksOf(id), ["bridge", "joined"]);
      assert.equal(await linksIn(id), 2);
      await engine.ok("rm", "-f", id);
      await engine.ok("network", "rm", "joined");
    });
  }

  for (const round of repeated) {
    it(`during build (${round + 1})`, async () => {
      const folder = path.join(engine.folder, "context");
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(
        path.join(folder, "Dockerfile"),
        `FROM busybox\nRUN echo ${round} > /made && sleep 0.1\nRUN sleep 0.1; echo more > /more\n`,
      );
      const build = (): Promise<Ran> => engine.docker("build", "-q", "-t", "built", folder);
      await cut(build, sometime(500));
      ran(await build());
      assert.equal(await engine.ok("run", "--rm", "built", "cat", "/made", "/more"), `${round}\nmore`);
    });
  }
});

describe("kill -9 of the engine during pull", () => {
  let registry: RealRegistry;
  before(async () => {
    registry = await startRegistry();
    const folder = path.join(engine.folder, "bulk");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "bulk"), randomBytes(8_000_000));
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nCOPY bulk /bulk\n");
    await engine.ok("build", "-q", "-t", `${registry.host}/bulk`, folder);
    await engine.ok("push", "-q", `${registry.host}/bulk`);
    await engine.ok("rmi", `${registry.host}/bulk`);
  });
  after(() => registry.stop());

  for (const round of repeated) {
    it(`leaves no image that is half there (${round + 1})`, async () => {
      const name = `${registry.host}/bulk`;
      const sum = createHash("sha256")
        .update(fs.readFileSync(path.join(engine.folder, "bulk/bulk")))
        .digest("hex");
      await cut(() => engine.docker("pull", "-q", name), sometime(250));
      ran(await engine.docker("pull", "-q", name));
      assert.equal(await engine.ok("run", "--rm", name, "sha256sum", "/bulk"), `${sum}  /bulk`);
      await engine.ok("rmi", name);
    });
  }
});
