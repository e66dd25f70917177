import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { groupFile } from "../support/groups.ts";
import { until } from "../support/until.ts";
import { chance } from "./facts.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

describe("kill -9 amid an update", () => {
  it("leaves the limits on record and in the kernel the same: the old ones or the new ones", async () => {
    const id = await engine.ok("run", "-d", "--pids-limit", "100", "-m", "64m", "busybox", "sleep", "1000");
    const next = chance(7);
    const ends = new Set<string>();
    for (let round = 1; round <= 6; round++) {
      const [old, asked] = [99 + round, 100 + round];
      await engine.ok("update", "--pids-limit", String(old), id);
      const request = engine.get(`/containers/${id}/update`, "POST", { PidsLimit: asked, CpuShares: 200 + round });
      const answer = request.then(
        ({ status }) => status,
        () => undefined,
      );
      await new Promise((resolve) => void setTimeout(resolve, next() * 40));
      await engine.crash();
      const answered = await answer;
      await engine.up();
      const shown = (): Promise<string> => engine.ok("inspect", "-f", "{{.HostConfig.PidsLimit}}", id);
      await until(async () => groupFile(id, "pids.max", "pids.max") === (await shown()), { what: "agreement" });
      const limit = await shown();
      assert.ok([String(old), String(asked)].includes(limit), limit);
      if (answered === 200) assert.equal(limit, String(asked));
      ends.add(`${limit === String(asked) ? "new" : "old"} ${answered}`);
      assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", id), "running");
    }
    console.log(`ends: ${[...ends].join(", ")}`);
  });
});
