import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { CliRuntime } from "../../src/drivers/oci/runtime.ts";
import { scratch } from "../support/scratch.ts";

describe("an OCI runtime", () => {
  it("says NOT_RUNNING when a container ended before it was told to freeze or thaw, and hands other complaints on", async () => {
    using dir = scratch("runtime");
    const program = path.join(dir.path, "runtime");
    const says = (words: string): void => fs.writeFileSync(program, `#!/bin/sh\necho '${words}' >&2\nexit 1\n`);
    fs.writeFileSync(program, "", { mode: 0o755 });
    const runtime = new CliRuntime({ name: "crun", path: program, stateRoot: dir.path, wrap: (body) => body() });
    says("the container `c1` is not running: No such process");
    await assert.rejects(runtime.resume("c1"), { kind: "conflict", code: "NOT_RUNNING" });
    await assert.rejects(runtime.pause("c1"), { kind: "conflict", code: "NOT_RUNNING" });
    says("cannot freeze: Device or resource busy");
    await assert.rejects(runtime.pause("c1"), /Device or resource busy/);
  });
});
