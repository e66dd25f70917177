import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { run, TestEngine } from "../support/engine.ts";

/** Debian's own Python, since that is where its python3-docker is. */
test("python3-docker of Debian", async () => {
  const engine = await TestEngine.start();
  try {
    const script = path.join(import.meta.dirname, "python3-docker.py");
    const ran = await run("/usr/bin/python3", [script], {
      env: { ...engine.env, TEST_SUBNET: `10.63.${Number(engine.subnet.split(".")[2])}.0/24` },
      timeout: 120_000,
    });
    assert.equal(ran.code, 0, ran.stderr);
  } finally {
    await engine.end();
  }
});
