import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import { after, before, describe, it } from "node:test";
import type { ContainerStats } from "../../src/wire/types/containers.ts";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const MB = 2 ** 20;
const SPIN = "while :; do :; done";
const ask = async (name: string, query: string, version = "1.51"): Promise<ContainerStats> => {
  const { status, text } = await engine.get(`/v${version}/containers/${name}/stats?${query}`);
  assert.equal(status, 200, text);
  return JSON.parse(text) as ContainerStats;
};
const start = (name: string, ...args: string[]): Promise<string> => engine.ok("run", "-d", "--name", name, ...args);

/** The documents of a stream as they come; `ended` once the engine has ended it. */
function follow(name: string): { seen: ContainerStats[]; ended: boolean; leave: () => void } {
  const stream = { seen: [] as ContainerStats[], ended: false, leave: () => void request.destroy() };
  const request = http.get(
    { socketPath: engine.socket, path: `/containers/${name}/stats`, agent: false },
    (response) => {
      let rest = "";
      response.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        stream.seen.push(...lines.map((line) => JSON.parse(line) as ContainerStats));
      });
      response.on("end", () => (stream.ended = true));
      response.on("error", () => {});
    },
  );
  request.on("error", () => {});
  return stream;
}

describe("statistics", () => {
  it("have two readings a second apart, and tell time, memory, pids and traffic of a container", async () => {
    const script = `head -c 9000000 /dev/zero >/dev/shm/x; sleep 1000 & ${SPIN}`;
    await start("busy", "-m", "64m", "--pids-limit", "50", "busybox", "sh", "-c", script);
    await until(async () => (await ask("busy", "stream=0&one-shot=1")).pids_stats.current === 2, { what: "its child" });
    const stats = await ask("busy", "stream=0");
    assert.equal(stats.name, "/busy");
    assert.equal(stats.id, await engine.ok("inspect", "-f", "{{.Id}}", "busy"));
    const apart = Date.parse(stats.read) - Date.parse(stats.preread);
    assert.ok(apart >= 450 && apart < 4000, `${apart} ms apart`);
    const { cpu_stats: cpu, precpu_stats: before, memory_stats: memory } = stats;
    assert.ok(cpu.cpu_usage.total_usage > before.cpu_usage.total_usage);
    assert.ok((cpu.system_cpu_usage ?? 0) > (before.system_cpu_usage ?? 0));
    assert.equal(cpu.online_cpus, Number((await run("nproc", ["--all"])).stdout));
    assert.deepEqual(stats.pids_stats, { current: 2, limit: 50 });
    assert.equal(memory.limit, 64 * MB);
    assert.ok((memory.usage ?? 0) > 9_000_000 && (memory.usage ?? 0) < 64 * MB, `${memory.usage} bytes`);
    const traffic = stats.networks?.["eth0"];
    await engine.ok("exec", "busy", "ping", "-c", "2", `${engine.subnet}.1`);
    const later = (await ask("busy", "stream=0&one-shot=1")).networks?.["eth0"];
    assert.ok((later?.tx_bytes ?? 0) - (traffic?.tx_bytes ?? 0) >= 2 * 84, JSON.stringify([traffic, later]));
    assert.ok((later?.rx_packets ?? 0) >= 2);
  });

  it("are the same in API 1.24 and 1.43; one-shot came with 1.41 and has no reading before", async () => {
    const shape = (stats: ContainerStats): string[] => Object.keys(stats).toSorted();
    const [now, ...olders] = await Promise.all(
      ["1.51", "1.43", "1.24"].map((version) => ask("busy", "stream=0", version)),
    );
    for (const older of olders) assert.deepEqual(shape(older), shape(now as ContainerStats));
    const single = await ask("busy", "stream=0&one-shot=1", "1.41");
    assert.equal(single.preread, "0001-01-01T00:00:00Z");
    assert.equal(single.precpu_stats.cpu_usage.total_usage, 0);
    const older = await ask("busy", "stream=0&one-shot=1", "1.40");
    assert.notEqual(older.preread, "0001-01-01T00:00:00Z");
    const { status, text } = await engine.get("/v1.51/containers/busy/stats?stream=1&one-shot=1");
    assert.equal(status, 400);
    assert.match(text, /cannot have stream=true and one-shot=true/);
    assert.equal((await engine.get("/containers/nosuch/stats")).status, 404);
  });

  it("of one that is down are zeros, at once", async () => {
    await engine.ok("create", "--name", "down", "busybox", "true");
    const none = { periods: 0, throttled_periods: 0, throttled_time: 0 };
    const cpu = {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: none,
    };
    for (const query of ["stream=0", "stream=0&one-shot=1"]) {
      const { id, blkio_stats, ...stats } = await ask("down", query);
      assert.equal(id.length, 64);
      assert.ok(Object.values(blkio_stats).every((list) => list === null));
      assert.deepEqual(stats, {
        read: "0001-01-01T00:00:00Z",
        preread: "0001-01-01T00:00:00Z",
        pids_stats: {},
        num_procs: 0,
        storage_stats: {},
        cpu_stats: cpu,
        precpu_stats: cpu,
        memory_stats: {},
        name: "/down",
      });
    }
  });

  it("go on as zeros after the container's end, come back with it, and end when it is removed", async () => {
    await start("phoenix", "busybox", "sleep", "1000");
    const stream = follow("phoenix");
    const last = (): ContainerStats | undefined => stream.seen.at(-1);
    await until(async () => last()?.pids_stats.current === 1, { what: "a reading" });
    await engine.ok("kill", "phoenix");
    await until(async () => last()?.memory_stats.usage === undefined, { what: "zeros" });
    await engine.ok("start", "phoenix");
    await until(async () => last()?.pids_stats.current === 1, { what: "a reading again" });
    await engine.ok("rm", "-f", "phoenix");
    await until(async () => stream.ended, { what: "the stream's end" });
  });

  it("tell no traffic on the host's network and none without one; a joined network's is its own", async () => {
    await start("on-host", "--network", "host", "busybox", "sleep", "1000");
    await start("without", "--network", "none", "busybox", "sleep", "1000");
    await start("joined", "--network", "container:busy", "busybox", "sleep", "1000");
    assert.equal((await ask("on-host", "stream=0&one-shot=1")).networks, undefined);
    assert.equal((await ask("without", "stream=0&one-shot=1")).networks, undefined);
    assert.ok(((await ask("joined", "stream=0&one-shot=1")).networks?.["eth0"]?.tx_bytes ?? 0) >= 2 * 84);
    await engine.ok("rm", "-f", "on-host", "without", "joined");
  });

  it("have the machine's memory for a limit where there is none, and no pids limit where that was lifted", async () => {
    await start("free", "--pids-limit", "-1", "busybox", "sleep", "1000");
    const { memory_stats, pids_stats } = await ask("free", "stream=0&one-shot=1");
    const total = /^MemTotal: +(\d+) kB/.exec(fs.readFileSync("/proc/meminfo", "utf8"))?.[1];
    assert.equal(memory_stats.limit, Number(total) * 1024);
    assert.deepEqual(pids_stats, { current: 1 });
    await engine.ok("rm", "-f", "free");
  });

  it("of many at once are read in one go, and all have their second", async () => {
    const names = Array.from({ length: 6 }, (_, n) => `many${n}`);
    for (const name of names) await start(name, "busybox", "sleep", "1000");
    const streams = [...names, ...names].map((name) => follow(name));
    await until(async () => streams.every(({ seen }) => seen.length >= 2), { what: "two readings of each" });
    for (const { seen, leave } of streams) {
      leave();
      for (const stats of seen) assert.ok(Date.parse(stats.read) > Date.parse(stats.preread));
    }
    await engine.ok("rm", "-f", ...names);
  });
});

for (const cli of ["docker", "gantry"] as const) {
  const out = async (...args: string[]): Promise<string> => {
    const ran = await run(cli === "docker" ? "docker" : GANTRY, args, { env: engine.env });
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.trimEnd();
  };

  describe(`${cli} stats`, () => {
    it("shows what runs, and with -a what doesn't", async () => {
      const format = "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.MemPerc}}|{{.NetIO}}|{{.BlockIO}}|{{.PIDs}}";
      const rows = (await out("stats", "--no-stream", "--format", format)).split("\n");
      assert.equal(rows.length, 1);
      assert.match(
        rows[0] as string,
        /^busy\|\d+\.\d\d%\|[\d.]+MiB \/ 64MiB\|[\d.]+%\|[\d.]+k?B \/ [\d.]+k?B\|[\d.]+[kM]?B \/ [\d.]+[kM]?B\|2$/,
      );
      const percent = Number(/\|([\d.]+)%/.exec(rows[0] as string)?.[1]);
      assert.ok(percent > 5, rows[0]);
      const all = (await out("stats", "-a", "--no-stream", "--format", "{{.Name}} {{.PIDs}}")).split("\n");
      assert.deepEqual(all.toSorted(), ["busy 2", "down 0"]);
    });

    it("counts memory without the cache that can be dropped", async () => {
      await start(
        "cached",
        "-m",
        "64m",
        "busybox",
        "sh",
        "-c",
        "head -c 20000000 /dev/zero >/f; sync; exec sleep 1000",
      );
      await until(async () => ((await ask("cached", "stream=0&one-shot=1")).memory_stats.usage ?? 0) > 20_000_000, {
        what: "the cache",
      });
      await until(async () => (await engine.ok("top", "cached", "-o", "pid,args")).includes("sleep 1000"), {
        what: "sleep",
      });
      const { stats = {}, usage = 0 } = (await ask("cached", "stream=0&one-shot=1")).memory_stats;
      const inactive = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
      const shown = await out("stats", "--no-stream", "--format", "{{.MemUsage}}", "cached");
      const [, number, unit] = /^([\d.]+)(KiB|MiB) /.exec(shown) ?? [];
      const used = Number(number) * (unit === "MiB" ? MB : 1024);
      assert.ok(inactive > 1_000_000, `${inactive} inactive`);
      assert.ok(Math.abs(used - (usage - inactive)) < MB, `${shown}: ${usage} - ${inactive}`);
      await engine.ok("rm", "-f", "cached");
    });
  });
}

describe("gantry stats", () => {
  it("goes on, once a second, until what it watches is removed", async () => {
    await start("watched", "busybox", "sleep", "1000");
    const child = engine.gantry("stats", "watched");
    const stream = follow("watched");
    await until(async () => stream.seen.length >= 3, { what: "three readings" });
    await engine.ok("rm", "-f", "watched");
    const { code, stdout } = await child;
    assert.equal(code, 0);
    assert.ok((stdout.match(/watched +0\.00% /g) ?? []).length >= 2, stdout);
  });
});
