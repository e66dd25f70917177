import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { chance } from "./facts.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
  await engine.ok("run", "--rm", "-v", "full:/v", "busybox", "sh", "-c", write("new"));
  const exported = await engine.gantry("volume", "export", "-o", path.join(engine.folder, "new.tar"), "full");
  assert.equal(exported.code, 0, exported.stderr);
});
after(() => engine.end());

const FILES = 300;
const write = (word: string): string =>
  `for i in $(seq ${FILES}); do echo ${word} > /v/f$i; done; dd if=/dev/zero of=/v/large bs=1M count=30 2>/dev/null`;
const folder = (volume = ""): string => path.join(engine.dataRoot, "volumes", volume);

/** The one word that all files of a volume hold. */
function wordOf(volume: string): string {
  const data = path.join(folder(volume), "_data");
  const words = new Set(
    Array.from({ length: FILES }, (_, i) => fs.readFileSync(path.join(data, `f${i + 1}`), "utf8").trim()),
  );
  assert.equal(words.size, 1, [...words].join(" "));
  return [...words][0] ?? "";
}

/** Kills the engine in the middle of `work`, and starts it again. */
async function cutShort(work: () => Promise<unknown>, ms: number): Promise<void> {
  const going = work();
  await new Promise((resolve) => void setTimeout(resolve, ms));
  await engine.crash();
  await going;
  await engine.up();
  for (const name of fs.readdirSync(folder()).filter((entry) => !entry.startsWith(".")))
    assert.deepEqual(fs.readdirSync(folder(name)), ["_data"], name);
}

describe("kill -9 amid work on volumes", () => {
  it("leaves the old contents or the new ones, and volumes that are whole or not there", async () => {
    const next = chance(11);
    const ends = new Set<string>();
    await engine.ok("run", "--rm", "-v", "target:/v", "busybox", "sh", "-c", write("old"));
    for (let round = 1; round <= 5; round++) {
      await engine.gantry("volume", "import", "--replace", "target", path.join(engine.folder, "new.tar"));
      await engine.ok("run", "--rm", "-v", "target:/v", "busybox", "sh", "-c", write("old"));
      const file = path.join(engine.folder, "new.tar");
      await cutShort(() => engine.gantry("volume", "import", "--replace", "target", file), 100 + next() * 250);
      ends.add(`import: ${wordOf("target")}`);
      await cutShort(() => engine.gantry("volume", "clone", "full", `copy${round}`), 80 + next() * 200);
      const made = (await engine.ok("volume", "ls", "-q")).split("\n").includes(`copy${round}`);
      assert.equal(made, fs.existsSync(folder(`copy${round}`)));
      if (made) assert.equal(wordOf(`copy${round}`), "new");
      ends.add(`clone: ${made}`);
    }
    console.log(`ends: ${[...ends].toSorted().join(", ")}`);
  });

  it("leaves a volume its old name or the new one, and its container with it", async () => {
    await engine.ok("run", "-d", "--name", "user", "-v", "name0:/v", "busybox", "sleep", "1000");
    const next = chance(13);
    const ends = new Set<string>();
    let current = "name0";
    for (let round = 1; round <= 6; round++) {
      const wanted = `name${round}`;
      await cutShort(
        () => engine.get(`/gantry/volumes/${current}/rename?name=${wanted}`, "POST").catch(() => {}),
        next() * 8,
      );
      const mount = await engine.ok(
        "inspect",
        "-f",
        "{{range .Mounts}}{{.Name}}{{end}} {{json .HostConfig.Binds}}",
        "user",
      );
      const now = mount.split(" ")[0] ?? "";
      assert.ok([current, wanted].includes(now), mount);
      assert.equal(mount, `${now} ["${now}:/v"]`);
      const [named, folders] = [(await engine.ok("volume", "ls", "-q")).split("\n"), fs.readdirSync(folder())];
      for (const names of [named, folders]) {
        assert.deepEqual(
          names.filter((name) => name.startsWith("name")),
          [now],
        );
      }
      ends.add(now === wanted ? "new" : "old");
      current = now;
    }
    console.log(`ends: ${[...ends].join(", ")}`);
    await engine.ok("restart", "-t", "0", "user");
  });
});
