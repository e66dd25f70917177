import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { chance } from "./facts.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const FILES = ["/f", "/a/f", "/b/f"];
const write = (word: string): string => FILES.map((file) => `echo ${word} > ${file}`).join("; ");
const namesIn = (...parts: string[]): string[] => fs.readdirSync(path.join(engine.dataRoot, ...parts)).toSorted();

describe("kill -9 amid a restore or a save", () => {
  it("leaves files and volumes that belong together, and the container running", async () => {
    const volumes = ["-v", "va:/a", "-v", "vb:/b"];
    const id = await engine.ok("run", "-d", "--name", "db", ...volumes, "busybox", "sleep", "1000");
    const exec = (script: string): Promise<string> => engine.ok("exec", "db", "sh", "-c", script);
    await exec(`${write("old")}; dd if=/dev/zero of=/a/large bs=1M count=20 2>/dev/null`);
    assert.equal((await engine.gantry("snapshot", "save", "db", "s")).code, 0);
    const next = chance(5);
    const ends = new Set<string>();
    for (let round = 1; round <= 10; round++) {
      await exec(write("new"));
      const going = engine.get("/gantry/containers/db/snapshots/s/restore", "POST").then(
        ({ status }) => status,
        () => undefined,
      );
      await new Promise((resolve) => void setTimeout(resolve, next() * 220));
      await engine.crash();
      const answered = await going;
      await engine.up();
      await until(async () => (await engine.ok("inspect", "-f", "{{.State.Status}}", "db")) === "running", {
        what: "the container to run",
      });
      const words = new Set((await exec(`cat ${FILES.join(" ")}`)).split("\n"));
      assert.equal(words.size, 1, `round ${round}: ${[...words].join(" ")}`);
      if (answered === 200) assert.deepEqual([...words], ["old"]);
      for (const name of ["va", "vb"]) assert.deepEqual(namesIn("volumes", name), ["_data"]);
      assert.deepEqual(namesIn("workspaces", id), ["merged", "parent", "upper", "work"]);
      ends.add(`${[...words][0]} ${answered}`);
    }
    console.log(`ends: ${[...ends].toSorted().join(", ")}`);
  });

  it("leaves a snapshot that is whole, or none, and no container paused", async () => {
    const next = chance(6);
    for (let round = 1; round <= 4; round++) {
      const going = engine.gantry("snapshot", "save", "db", `s${round}`);
      await new Promise((resolve) => void setTimeout(resolve, 60 + next() * 160));
      await engine.crash();
      await going;
      await engine.up();
      const names = (await engine.gantry("snapshot", "ls", "-q", "db")).stdout.trimEnd().split("\n");
      assert.equal(namesIn("snapshots").length, 3 * names.length);
      await until(async () => (await engine.ok("inspect", "-f", "{{.State.Status}}", "db")) === "running", {
        what: "the container to go on",
      });
    }
  });
});
