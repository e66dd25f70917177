import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { pingsDuring } from "./crowd-facts.ts";
import { groupOf, inspect, lives } from "./facts.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** All that one does with other containers, while one is stuck. */
async function everythingElseWorks(stuck: string): Promise<void> {
  const other = await engine.ok("run", "-d", "busybox", "sleep", "1000");
  assert.equal(await engine.ok("exec", other, "echo", "fine"), "fine");
  assert.match(await engine.ok("ps"), new RegExp(stuck.slice(0, 12)));
  assert.equal((await inspect(engine, stuck)).State.Running, true);
  await engine.ok("logs", stuck);
  await engine.ok("kill", other);
  await engine.ok("rm", other);
}

const thaw = (id: string, word: "frozen" | "thawed"): void => {
  const v1 = `/sys/fs/cgroup/freezer/gantry/${id}/freezer.state`;
  if (fs.existsSync(v1)) fs.writeFileSync(v1, word.toUpperCase());
  else fs.writeFileSync(`/sys/fs/cgroup/gantry/${id}/cgroup.freeze`, word === "frozen" ? "1" : "0");
};

describe("a fork bomb", () => {
  it("stays below its limit, lets the engine answer, and is killed like anything else", async (t) => {
    const limit = 300;
    // a shell that cannot fork gives up; the host's perl does not, and leaves this machine's other work some time
    const script = "while (1) { defined(fork) or select(undef, undef, undef, 0.01) }";
    const bomb = ["-v", "/:/host:ro", "busybox", "chroot", "/host", "perl", "-e", script];
    const id = await engine.ok("run", "-d", "--pids-limit", String(limit), ...bomb);
    await until(() => groupOf(id).length > limit / 2, { what: "the bomb to go off", timeout: 20_000 });
    let most = 0;
    const pings = await pingsDuring(engine, async () => {
      for (let i = 0; i < 20; i++) {
        most = Math.max(most, groupOf(id).length);
        await engine.get("/containers/json");
      }
      assert.equal(await engine.ok("run", "--rm", "busybox", "echo", "others run"), "others run");
      await engine.ok("kill", id);
    });
    const usual = pings[Math.floor(pings.length * 0.9)] ?? 0;
    t.diagnostic(`${most} processes, _ping ${Math.round(usual)} ms, at most ${Math.round(pings.at(-1) ?? 0)} ms`);
    assert.ok(most <= limit, `${most} processes`);
    assert.ok(usual < 200, `_ping took ${usual} ms`);
    const { State } = await inspect(engine, id);
    assert.deepEqual([State.Status, State.ExitCode], ["exited", 137]);
    assert.deepEqual(groupOf(id), []);
    await engine.ok("rm", id);
  });
});

describe("a container that is stuck", () => {
  it("frozen by somebody else: holds up nobody, and stops when it is asked to", async () => {
    const id = await engine.ok("run", "-d", "busybox", "sleep", "1000");
    thaw(id, "frozen");
    const exec = engine.docker("exec", id, "true");
    await everythingElseWorks(id);
    await engine.ok("stop", "-t", "1", id);
    assert.equal((await inspect(engine, id)).State.ExitCode, 137);
    await exec;
    await engine.ok("rm", id);
  });

  it("in the kernel: a kill says so after its time, others go on, and its end is recorded when it comes", async () => {
    const image = path.join(engine.folder, "disk");
    const place = path.join(engine.folder, "mnt");
    fs.mkdirSync(place);
    fs.writeFileSync(image, Buffer.alloc(8 << 20));
    assert.equal((await run("mkfs.ext4", ["-q", image])).code, 0);
    const mounted = await run("mount", ["-o", "loop", image, place]);
    assert.equal(mounted.code, 0, mounted.stderr);
    try {
      const script = "echo up; while :; do echo x > /data/x; done";
      const id = await engine.ok("run", "-d", "-v", `${place}:/data`, "busybox", "sh", "-c", script);
      await until(async () => (await engine.ok("logs", id)) === "up", { what: "its begin" });
      assert.equal((await run("fsfreeze", ["-f", place])).code, 0);
      const { Pid } = (await inspect(engine, id)).State;
      const state = (): string => /^State:\s+(\S)/m.exec(fs.readFileSync(`/proc/${Pid}/status`, "utf8"))?.[1] ?? "";
      await until(() => state() === "D", { what: "it to hang in the kernel" });
      const killing = engine.docker("kill", id);
      await everythingElseWorks(id);
      const { code, stderr } = await killing;
      assert.equal(code, 1);
      assert.match(stderr, /did not end after SIGKILL/);
      assert.equal((await inspect(engine, id)).State.Status, "running", "as long as it lives");
      assert.equal((await run("fsfreeze", ["-u", place])).code, 0);
      await until(async () => (await inspect(engine, id)).State.Status === "exited", { what: "its end" });
      assert.equal((await inspect(engine, id)).State.ExitCode, 137);
      assert.equal(lives(Pid), false);
      await engine.ok("rm", id);
    } finally {
      await run("fsfreeze", ["-u", place]);
      await run("umount", [place]);
    }
  });
});
