import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, it } from "node:test";
import { TestEngine } from "../support/engine.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-init-"));
const init = path.join(folder, "own-init");

let engine: TestEngine;
before(async () => {
  fs.writeFileSync(init, '#!/bin/sh\nshift\nexec env OWN_INIT=yes "$@"\n', { mode: 0o755 });
  engine = await TestEngine.start({ flags: ["--init", "--init-path", init, "--host-gateway-ip", "192.0.2.7"] });
});
after(async () => {
  await engine.end();
  fs.rmSync(folder, { recursive: true, force: true });
});

it("gantryd --init gives containers an init, that of --init-path, unless they decline or have another's", async () => {
  const shown = (...flags: string[]): Promise<string> =>
    engine.ok("run", "--rm", ...flags, "busybox", "sh", "-c", 'echo "${OWN_INIT:-none}"');
  assert.equal(await shown(), "yes");
  assert.equal(await shown("--init=false"), "none");
  assert.equal(await shown("--pid", "host"), "none");
  assert.equal(await engine.ok("info", "-f", "{{.InitBinary}}"), init);
});

it("gantryd --host-gateway-ip is what host-gateway stands for, whatever the network", async () => {
  for (const network of ["bridge", "host", "none"]) {
    const args = ["--network", network, "--add-host", "up:host-gateway", "busybox", "grep", "up$", "/etc/hosts"];
    assert.equal(await engine.ok("run", "--rm", ...args), "192.0.2.7\tup");
  }
});
