import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { assertTruth, inspect } from "./facts.ts";

const NO_SPACE = /no space left on device/i;

let engine: TestEngine;
let registry: RealRegistry;
let mounted: string;

before(async () => {
  registry = await startRegistry();
  engine = await TestEngine.start({ tmpfs: "24m" });
  mounted = engine.dataRoot;
  // An image that fits on the small disk once, in the registry only.
  const folder = path.join(engine.folder, "bulk");
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "bulk"), randomBytes(3_000_000));
  fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nCOPY bulk /bulk\n");
  await engine.ok("build", "-q", "-t", `${registry.host}/bulk`, folder);
  await engine.ok("push", "-q", `${registry.host}/bulk`);
  await engine.ok("save", "-o", path.join(engine.folder, "bulk.tar"), `${registry.host}/bulk`);
  await engine.ok("rmi", `${registry.host}/bulk`);
});
after(async () => {
  await engine.end();
  await registry.stop();
});

/** Fills the disk to the last byte; gives what frees it again. */
function fill(): () => void {
  const file = path.join(mounted, "filler");
  const fd = fs.openSync(file, "w");
  for (const size of [1 << 20, 4096]) {
    try {
      for (;;) fs.writeSync(fd, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
  fs.closeSync(fd);
  return () => fs.rmSync(file);
}

describe("a full disk", () => {
  it("fails what needs space with one clear message; what runs runs on; once freed all works without a restart", async () => {
    const id = await engine.ok(
      "run",
      "-d",
      "--name",
      "runs",
      "busybox",
      "sh",
      "-c",
      "while :; do echo tick; sleep 0.1; done",
    );
    const ends = await engine.ok(
      "run",
      "-d",
      "--name",
      "ends",
      "--tmpfs",
      "/t",
      "busybox",
      "sh",
      "-c",
      "while ! test -e /t/go; do sleep 0.02; done; exit 6",
    );
    await engine.ok("run", "-d", "--name", "goes", "-v", "/anonymous", "busybox", "sleep", "1000");
    const { Pid } = (await inspect(engine, id)).State;
    const daemon = engine.pid;
    const free = fill();
    try {
      const attempts = {
        pull: ["pull", "-q", `${registry.host}/bulk`],
        load: ["load", "-i", path.join(engine.folder, "bulk.tar")],
        build: ["build", "-q", path.join(engine.folder, "bulk")],
        import: ["import", path.join(engine.folder, "bulk.tar")],
        run: ["run", "--rm", "busybox", "true"],
        volume: ["volume", "create", "spot"],
        cp: ["cp", path.join(engine.folder, "bulk.tar"), "runs:/"],
        commit: ["commit", "runs"],
      };
      for (const [what, args] of Object.entries(attempts)) {
        const ran = await engine.docker(...args);
        assert.notEqual(ran.code, 0, what);
        assert.match(ran.stderr + ran.stdout, NO_SPACE, what);
      }
      assert.equal((await engine.get("/_ping")).status, 200);
      assert.equal(await engine.ok("exec", id, "echo", "alive"), "alive");
      assert.equal((await inspect(engine, id)).State.Pid, Pid);
      await engine.docker("exec", ends, "touch", "/t/go");
      await until(async () => (await inspect(engine, ends)).State.Status === "exited", { what: "its end" });
      const going = await engine.ok("ps", "-aq", "--filter", "name=goes");
      await engine.ok("stop", "-t", "0", going);
      await engine.ok("rm", "-v", going);
    } finally {
      free();
    }
    await until(async () => (await inspect(engine, ends)).State.Status === "exited", { what: "its end to be stored" });
    assert.equal((await inspect(engine, ends)).State.ExitCode, 6);
    assert.equal(engine.pid, daemon);
    await assertTruth(engine);
    await engine.ok("rm", "ends");
    await engine.ok("pull", "-q", `${registry.host}/bulk`);
    await engine.ok("run", "--rm", `${registry.host}/bulk`, "true");
    await engine.ok("rmi", `${registry.host}/bulk`);
    await engine.ok("load", "-i", path.join(engine.folder, "bulk.tar"));
    await engine.ok("rmi", `${registry.host}/bulk`);
    await engine.ok("volume", "create", "spot");
    await engine.ok("volume", "rm", "spot");
    assert.equal((await inspect(engine, id)).State.Pid, Pid);
    await engine.ok("rm", "-f", id);
  });

  it("loses nothing that was stored, also when the engine is killed on it", async () => {
    const id = await engine.ok("run", "-d", "--name", "kept", "busybox", "sleep", "1000");
    const free = fill();
    try {
      await engine.docker("create", "busybox");
      await engine.crash();
    } finally {
      free();
    }
    await engine.up();
    await assertTruth(engine);
    assert.equal((await inspect(engine, id)).State.Status, "running");
    assert.equal(await engine.ok("run", "--rm", "busybox", "echo", "sound"), "sound");
    await engine.ok("rm", "-f", id);
    await until(() => fs.readdirSync(path.join(mounted, "trash")).length === 0, { what: "the trash to be emptied" });
  });
});
