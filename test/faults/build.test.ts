import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** A sleep that no other test has. */
const endless = (n: number): string => `sleep ${2_000_000 + process.pid * 10 + n}`;
const runs = (command: string): boolean =>
  fs.readdirSync("/proc").some((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8") === `${command.replace(" ", "\0")}\0`;
    } catch {
      return false; // it has ended
    }
  });

function folder(name: string, dockerfile: string): string {
  const made = path.join(engine.folder, name);
  fs.mkdirSync(made, { recursive: true });
  fs.writeFileSync(path.join(made, "Dockerfile"), dockerfile);
  return made;
}

describe("kill -9 of the engine in the middle of a build", () => {
  it("leaves what was done in the cache, and nothing else", async () => {
    const begun = "FROM busybox AS one\nRUN head -c 9 /dev/urandom > /random; echo made\nENV A=1\n";
    const cached = `RUN --mount=type=cache,target=/c touch /c/f; ${endless(1)}\n`;
    const other = `FROM busybox AS two\nRUN ${endless(2)}\nFROM one\nCOPY --from=two / /two\n`;
    const building = engine.docker("build", folder("first", begun + cached + other));
    await until(() => runs(endless(1)) && runs(endless(2)), { what: "both stages to run" });
    await engine.crash();
    assert.notEqual((await building).code, 0);
    await engine.up();
    await until(() => !runs(endless(1)) && !runs(endless(2)), { what: "the RUNs to be gone" });
    assert.deepEqual(fs.readdirSync(path.join(engine.dataRoot, "workspaces")), []);
    assert.deepEqual(fs.readdirSync(path.join(engine.dataRoot, "build/scratch")), []);
    const mount = "RUN --mount=type=cache,target=/c ls /c > /seen\n";
    const text = await engine.ok("build", "-t", "second", folder("second", begun + mount));
    assert.equal(text.split("Using cache").length - 1, 1, "the RUN that was done; an ENV costs nothing");
    assert.equal(await engine.ok("run", "--rm", "second", "cat", "/seen"), "f");
  });
});
