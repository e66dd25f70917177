import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ran, refused, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const gantry = (...args: string[]): Promise<string> => engine.gantryOk(...args);
const fails = async (words: RegExp, ...args: string[]): Promise<Ran> => refused(await engine.gantry(...args), words);
const inspect = (format: string, name: string): Promise<string> => engine.ok("inspect", "-f", format, name);
const trees = (): string[] => fs.readdirSync(path.join(engine.dataRoot, "snapshots"));
const besideTree = (tree: string): string[] =>
  fs.readdirSync(path.join(engine.dataRoot, "snapshots", tree)).filter((name) => name !== "tree");
const hold = ["sleep", "1000"];

describe("a snapshot of a container that runs", () => {
  it("brings its files and volumes back, and keeps name, addresses and ports", async () => {
    await engine.ok("run", "-d", "--name", "filler", "busybox", ...hold); // so that the address is not the lowest free one
    await engine.ok("run", "-d", "--name", "db", "-p", "80", "-v", "data:/data", "-v", "/anon", "busybox", ...hold);
    await engine.ok("rm", "-f", "filler");
    const exec = (script: string): Promise<string> => engine.ok("exec", "db", "sh", "-c", script);
    await exec(
      "echo one > /data/f; echo one > /anon/f; echo one > /f; rm /etc/issue 2>/dev/null; mkdir /gone; ln /f /hard",
    );
    assert.match(await gantry("snapshot", "save", "db", "clean"), /^clean: \d.*B in \d+ ms$/);
    assert.equal(await inspect("{{.State.Status}}", "db"), "running");
    await exec("echo two > /data/f; echo two > /anon/f; echo two > /f; echo new > /data/new; rmdir /gone");
    const facts = "{{.NetworkSettings.IPAddress}} {{json .NetworkSettings.Ports}} {{.Name}} {{.Id}}";
    const before = await inspect(facts, "db");
    const differs = await engine.ok("diff", "db");
    assert.match(
      await gantry("snapshot", "restore", "db", "clean"),
      /^clean: copied in \d+ ms, down for \d+ ms, started in \d+ ms$/,
    );
    assert.equal(await exec("cat /data/f /anon/f /f; ls /data; ls -d /gone"), "one\none\none\nf\n/gone");
    assert.equal(await exec("stat -c %h /f"), "2");
    assert.equal(await inspect(facts, "db"), before);
    assert.match(before, /^10\.\d+\.\d+\.3 .*"HostPort":"\d+"/);
    assert.notEqual(await engine.ok("diff", "db"), differs);
    // again, from the copy that was made ahead
    await exec("echo three > /data/f");
    await gantry("snapshot", "restore", "-q", "db", "clean");
    assert.equal(await exec("cat /data/f"), "one");
  });

  it("is listed, shown and removed, and goes with its container", async () => {
    assert.equal(await gantry("snapshot", "save", "-q", "db"), "snapshot-1");
    const lines = (await gantry("snapshot", "ls")).split("\n");
    assert.match(lines[0] ?? "", /^CONTAINER +SNAPSHOT +CREATED +SIZE +VOLUMES$/);
    assert.match(lines[1] ?? "", /^db +clean +.* ago +.*B +\/data, \/anon$/);
    assert.equal(await gantry("snapshot", "ls", "-q", "db"), "clean\nsnapshot-1");
    assert.match(await gantry("snapshot", "inspect", "db", "clean"), /"Destination": "\/data"/);
    await fails(/has a snapshot clean already/, "snapshot", "save", "db", "clean");
    await fails(/no such snapshot of container db: nothing/, "snapshot", "restore", "db", "nothing");
    await fails(/invalid name of a snapshot/, "snapshot", "save", "db", "a/b");
    assert.equal(trees().length, 6);
    await gantry("snapshot", "rm", "db", "snapshot-1");
    assert.equal(trees().length, 3);
    await gantry("volume", "rename", "data", "renamed");
    await engine.ok("exec", "db", "sh", "-c", "echo two > /data/f");
    await gantry("snapshot", "restore", "db", "clean");
    assert.equal(await engine.ok("exec", "db", "cat", "/data/f"), "one");
    await engine.ok("rm", "-fv", "db");
    await until(() => trees().length === 0, { what: "the snapshot's files to go" });
    assert.equal(await gantry("snapshot", "ls", "-q"), "");
  });
});

describe("a snapshot of a container that is down", () => {
  it("is restored without a start, also to what it was before its first run", async () => {
    await engine.ok(
      "create",
      "--name",
      "job",
      "-v",
      "jobs:/v",
      "busybox",
      "sh",
      "-c",
      "cat /f /v/f; echo ran > /f; echo ran > /v/f",
    );
    await gantry("snapshot", "save", "job", "fresh");
    await engine.docker("start", "-a", "job");
    await gantry("snapshot", "save", "job", "ran");
    assert.match(await gantry("snapshot", "restore", "job", "fresh"), /^fresh: copied in \d+ ms$/);
    assert.equal(await inspect("{{.State.Status}}", "job"), "exited");
    assert.equal((await engine.docker("start", "-a", "job")).stdout, "");
    await gantry("snapshot", "restore", "job", "fresh");
    await gantry("snapshot", "restore", "job", "ran");
    assert.equal((await engine.docker("start", "-a", "job")).stdout, "ran\nran\n");
    await engine.ok("rm", "job");
  });
});

describe("a restore", () => {
  it("is not disturbed by a removal of its snapshot, and leaves nothing when the container is", async () => {
    const fill = "dd if=/dev/zero of=/large bs=1M count=100 2>/dev/null; sleep 1000";
    await engine.ok("run", "-d", "--name", "going", "busybox", "sh", "-c", fill);
    await until(async () => (await engine.ok("top", "going")).includes("sleep 1000"), { what: "its file" });
    await gantry("snapshot", "save", "going", "s");
    const restoring = engine.gantry("snapshot", "restore", "going", "s");
    const copies = (): boolean => trees().some((tree) => besideTree(tree).length > 0);
    await until(copies, { what: "the restore's copy", every: 1 });
    const removing = async (): Promise<boolean> => {
      const { code, stderr } = await engine.gantry("snapshot", "rm", "going", "s");
      if (code !== 0) assert.match(stderr, /container going is being restored/);
      return code === 0;
    };
    await until(removing, { what: "the snapshot's removal" });
    const { code, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    assert.equal(await inspect("{{.State.Status}}", "going"), "running");
    await gantry("snapshot", "save", "going", "s");
    const again = engine.gantry("snapshot", "restore", "going", "s");
    await engine.ok("rm", "-f", "going");
    await again;
    assert.deepEqual(await gantry("snapshot", "ls", "-q"), "");
    await until(() => trees().length === 0, { what: "the end of the trees" });
  });

  it("is refused while others use the volumes, unless they may be started again as well", async () => {
    await engine.ok("run", "-d", "--name", "one", "-v", "both:/v", "busybox", ...hold);
    await engine.ok("run", "-d", "--name", "two", "-v", "both:/v", "busybox", ...hold);
    await engine.ok("exec", "one", "sh", "-c", "echo first > /v/f");
    await gantry("snapshot", "save", "one", "s");
    await engine.ok("exec", "two", "sh", "-c", "echo second > /v/f");
    await fails(/two uses it too[^]*--force/, "snapshot", "restore", "one", "s");
    assert.equal(await engine.ok("exec", "two", "cat", "/v/f"), "second");
    await gantry("snapshot", "restore", "--force", "one", "s");
    for (const name of ["one", "two"]) assert.equal(await engine.ok("exec", name, "cat", "/v/f"), "first");
    await engine.ok("rm", "-f", "one", "two");
  });

  it("keeps containers with --rm and with a restart policy, and the volumes stay apart from the snapshot", async () => {
    await engine.ok("run", "-d", "--rm", "--name", "brief", "-v", "brief:/v", "busybox", ...hold);
    await gantry("snapshot", "save", "brief", "s");
    for (const word of ["x", "y"]) {
      await engine.ok("exec", "brief", "sh", "-c", `echo ${word} > /v/f`);
      await gantry("snapshot", "restore", "brief", "s");
      assert.equal((await engine.docker("exec", "brief", "cat", "/v/f")).code, 1);
    }
    await engine.ok("rm", "-f", "brief");
    await engine.ok("run", "-d", "--restart", "always", "--name", "always", "busybox", ...hold);
    await gantry("snapshot", "save", "always", "s");
    await gantry("snapshot", "restore", "always", "s");
    assert.equal(await inspect("{{.State.Status}} {{.RestartCount}}", "always"), "running 0");
    await engine.ok("rm", "-f", "always");
  });

  it("and a save refuse volumes whose data is elsewhere, by name", async () => {
    await engine.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "ram");
    await engine.ok("run", "-d", "--name", "odd", "-v", "ram:/v", "busybox", ...hold);
    await fails(
      /cannot take a snapshot of volume ram: its data is not in the volume but mounted from tmpfs/,
      "snapshot",
      "save",
      "odd",
    );
    await engine.ok("rm", "-f", "odd");
  });

  it("survives a restart of the engine", async () => {
    await engine.ok("run", "-d", "--name", "kept", "-v", "kept:/v", "busybox", ...hold);
    await engine.ok("exec", "kept", "sh", "-c", "echo one > /v/f");
    await gantry("snapshot", "save", "kept", "s");
    await engine.down();
    await engine.up();
    await engine.ok("exec", "kept", "sh", "-c", "echo two > /v/f");
    await gantry("snapshot", "restore", "kept", "s");
    assert.equal(await engine.ok("exec", "kept", "cat", "/v/f"), "one");
    await engine.ok("rm", "-f", "kept");
  });
});
