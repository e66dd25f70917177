import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";

/** Statistics and updates, running and not. */
export function limitOperations(api: Asker): void {
  it("statistics and updates of a container", async () => {
    const id = await api.create("limited", { Cmd: ["sleep", "1000"], HostConfig: { Memory: 64 << 20 } });
    const stats = "/containers/{id}/stats";
    const update = (status: number, body: object): Promise<Body> =>
      api.ask(status, "POST", "/containers/{id}/update", { id }, body);
    assert.deepEqual((await api.ask(200, "GET", stats, { id, stream: "0" }))["memory_stats"], {});
    await update(200, {
      Memory: 96 << 20,
      MemorySwap: -1,
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 },
    });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    const running = await api.ask<{ memory_stats: Body }>(200, "GET", stats, { id, stream: "0", "one-shot": "1" });
    assert.equal(running.memory_stats["limit"], 96 << 20);
    assert.deepEqual(await update(200, { PidsLimit: 50, CpuShares: 300 }), { Warnings: null });
    await update(400, { Memory: 1 });
    await update(200, { CpuQuota: 5000 });
    await update(409, { NanoCpus: 1e9 });
    await api.gone(id);
    await api.ask(404, "GET", stats, { id: "nosuch" });
    await api.ask(404, "POST", "/containers/{id}/update", { id: "nosuch" }, {});
  });
}
