import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { CriuCheckpoints, criuReason } from "../../../../src/drivers/oci/checkpoints.ts";

test("of what a killed engine left, a whole dump is kept and a part of one goes", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-checkpoints-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const name of ["good", "whole.partial", "part.partial"]) fs.mkdirSync(path.join(folder, name));
  fs.writeFileSync(path.join(folder, "whole.partial/stats-dump"), "");
  const checkpoints = new CriuCheckpoints(() => assert.fail("no runtime is needed"));
  assert.deepEqual(checkpoints.list(folder), ["good", "whole"]);
  checkpoints.remove(folder, "good");
  assert.deepEqual(fs.readdirSync(folder), ["whole"]);
  assert.deepEqual(checkpoints.list(path.join(folder, "none")), []);
});

test("the reason is CRIU's first error", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-checkpoints-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const log = path.join(folder, "dump.log");
  fs.writeFileSync(
    log,
    [
      "(00.000001) Version: 4.1",
      "(00.010000) Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider using --tcp-established option.",
      "(00.020000) Error (criu/cr-dump.c:2111): Dumping FAILED.",
    ].join("\n"),
  );
  assert.equal(
    criuReason(log),
    "(criu/sk-inet.c:188): inet: Connected TCP socket, consider using --tcp-established option.",
  );
  assert.equal(criuReason(path.join(folder, "none")), undefined);
});
