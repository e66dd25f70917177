import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeldOutput } from "../../../../src/drivers/oci/held-output.ts";
import { until } from "../../../support/until.ts";

function held(complained: () => boolean): { output: HeldOutput; seen: string[] } {
  const seen: string[] = [];
  return { output: new HeldOutput((stream, chunk) => seen.push(`${stream}: ${chunk.toString()}`), complained), seen };
}

describe("the output of a runtime's run", () => {
  it("keeps the order of what the process wrote", async () => {
    const { output, seen } = held(() => false);
    output.push("stdout", Buffer.from("1"));
    output.push("stderr", Buffer.from("2"));
    output.push("stdout", Buffer.from("3"));
    assert.deepEqual(seen, ["stdout: 1"]);
    await until(() => seen.length === 3, { what: "what was held" });
    output.push("stderr", Buffer.from("4"));
    assert.deepEqual(seen, ["stdout: 1", "stderr: 2", "stdout: 3", "stderr: 4"]);
  });

  it("drops the runtime's own complaint", () => {
    const { output, seen } = held(() => true);
    output.push("stderr", Buffer.from("crun: no"));
    output.end(false);
    assert.deepEqual(seen, []);
  });

  it("gives the process's last words when it ends at once", () => {
    const { output, seen } = held(() => false);
    output.push("stderr", Buffer.from("bye"));
    assert.equal(output.lateComplaint(), "");
    output.end(true);
    assert.deepEqual(seen, ["stderr: bye"]);
  });

  it("finds what crun says in the container's place", () => {
    const { output } = held(() => false);
    output.push("stderr", Buffer.from("exec container process `/s`: Exec format error\n"));
    assert.equal(output.lateComplaint(), "exec container process `/s`: Exec format error");
    output.end(false);
  });
});
