import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { SealedProgram } from "../../src/drivers/oci/sealed-program.ts";
import { run } from "../../src/drivers/process/run.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-sealed-"));
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test("a sealed program runs, cannot be written to, and follows an upgrade of its file", async () => {
  const file = path.join(folder, "program");
  fs.copyFileSync("/bin/echo", file);
  const sealed = new SealedProgram(file);
  const first = sealed.path();
  assert.notEqual(first, file);
  assert.equal((await run(first, ["hello"])).stdout.toString(), "hello\n");
  assert.throws(() => fs.appendFileSync(first, "x"), { code: "EPERM" });
  assert.equal(sealed.path(), first);
  fs.rmSync(file);
  fs.copyFileSync("/bin/false", file);
  await assert.rejects(run(sealed.path(), []), { exitCode: 1 });
});

test("crun takes its sealed copy for one that it made itself", async (t) => {
  if (!fs.existsSync("/usr/bin/crun") || !fs.existsSync("/usr/bin/strace")) {
    t.skip("needs crun and strace");
    return;
  }
  const argv = [
    "-f",
    "-e",
    "trace=execve,execveat",
    new SealedProgram("/usr/bin/crun").path(),
    `--root=${folder}`,
    "list",
  ];
  const { stderr } = await run("strace", argv, { timeout: 20_000 });
  assert.equal(stderr.match(/execve(at)?\(/g)?.length, 1, stderr);
});
