import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostConfig } from "../../../../../src/base/container-config.ts";
import { supportedResources } from "../../../../../src/engine/containers/spec/supported.ts";
import {
  mergeUpdate,
  planLiveChange,
  planRefresh,
  planUndo,
} from "../../../../../src/engine/containers/spec/update-plan.ts";
import { hybridHost, modernHost } from "./host.ts";

const MB = 2 ** 20;

/** What a container has, what is asked, and the words it is refused with. */
const REFUSED: [HostConfig, HostConfig, string][] = [
  [
    { CpuPeriod: 1000 },
    { NanoCpus: 1e9 },
    "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
  ],
  [
    { CpuQuota: 1000 },
    { NanoCpus: 1e9 },
    "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set",
  ],
  [
    { NanoCpus: 1e9 },
    { CpuPeriod: 1000 },
    "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set",
  ],
  [
    { NanoCpus: 1e9 },
    { CpuQuota: 1000 },
    "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
  ],
  [
    { Memory: 32 * MB, MemorySwap: 64 * MB },
    { Memory: 65 * MB },
    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  ],
  [
    {},
    { Memory: 64 * MB },
    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  ],
  [
    { Memory: 64 * MB, MemorySwap: 64 * MB },
    { MemorySwap: 32 * MB },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ],
  [{}, { MemorySwap: 32 * MB }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
  [
    { AutoRemove: true },
    { RestartPolicy: { Name: "always" } },
    "Restart policy cannot be updated because AutoRemove is enabled for the container",
  ],
];

describe("an update", () => {
  for (const [current, change, message] of REFUSED) {
    it(`is refused for ${JSON.stringify(current)}: ${message}`, () => {
      assert.throws(() => mergeUpdate(current, change), { name: "GantryError", message });
    });
  }

  it("changes what is given and leaves the rest", () => {
    const current: HostConfig = { Memory: 32 * MB, MemorySwap: 64 * MB, CpuShares: 5, Privileged: true };
    assert.deepEqual(
      mergeUpdate(current, { Memory: 48 * MB, CpuShares: 0, CpusetCpus: "", Privileged: false, Ulimits: [] }),
      { ...current, Memory: 48 * MB },
    );
    assert.deepEqual(mergeUpdate(current, { RestartPolicy: { Name: "always" } }), {
      ...current,
      RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
    });
    assert.deepEqual(mergeUpdate(current, { RestartPolicy: { Name: "" } }), current);
  });

  it("allows any memory where swap has no limit", () => {
    const merged = mergeUpdate({ Memory: 32 * MB, MemorySwap: -1 }, { Memory: 900 * MB });
    assert.deepEqual(merged, { Memory: 900 * MB, MemorySwap: -1 });
  });

  it("takes the pids limit away with 0 or -1, and leaves it with null", () => {
    const current = { PidsLimit: 50 };
    assert.deepEqual(mergeUpdate(current, { PidsLimit: 0 }), { PidsLimit: -1 });
    assert.deepEqual(mergeUpdate(current, { PidsLimit: -7 }), { PidsLimit: -1 });
    assert.deepEqual(mergeUpdate(current, { PidsLimit: null }), current);
  });
});

describe("the live part of an update", () => {
  const plan = (current: HostConfig, change: HostConfig, host = modernHost()) =>
    planLiveChange(change, mergeUpdate(current, change), host);

  it("tells the runtime only of what changes, in its whole", () => {
    assert.deepEqual(plan({ Memory: 32 * MB, MemorySwap: 64 * MB, CpuShares: 5 }, { MemorySwap: 96 * MB }), {
      resources: { memory: { limit: 32 * MB, swap: 96 * MB } },
      lift: [],
    });
    assert.deepEqual(plan({ CpusetCpus: "0" }, { NanoCpus: 5e8, BlkioWeight: 300, PidsLimit: 9 }), {
      resources: {
        cpu: { quota: 50_000, period: 100_000, cpus: "0" },
        blockIO: { weight: 300 },
        pids: { limit: 9 },
      },
      lift: [],
    });
    assert.deepEqual(plan({ Memory: 32 * MB }, { RestartPolicy: { Name: "always" } }), { resources: {}, lift: [] });
  });

  it("lifts limits that no runtime can take away", () => {
    assert.deepEqual(plan({ PidsLimit: 5, CpuQuota: 5000 }, { PidsLimit: -1, CpuQuota: -1 }), {
      resources: {},
      lift: ["pids", "cpuQuota"],
    });
  });

  it("leaves out what the host can't do", () => {
    const change = { BlkioWeight: 300, CpuRealtimeRuntime: 1000 };
    assert.deepEqual(plan({}, change, hybridHost()), { resources: { cpu: { realtimeRuntime: 1000 } }, lift: [] });
    assert.deepEqual(plan({}, change), { resources: { blockIO: { weight: 300 } }, lift: [] });
  });

  it("can be taken back", () => {
    const before = { Memory: 32 * MB, MemorySwap: 64 * MB, CpuShares: 7 };
    assert.deepEqual(planUndo({ Memory: 48 * MB, PidsLimit: 9 }, before, modernHost()), {
      resources: { memory: { limit: 32 * MB, swap: 64 * MB }, pids: { limit: 2048 } },
      lift: [],
    });
    assert.deepEqual(planUndo({ Memory: 48 * MB, MemorySwap: -1, NanoCpus: 1e9 }, {}, modernHost()), {
      resources: { memory: { limit: -1, swap: -1 } },
      lift: ["cpuQuota"],
    });
  });

  it("can be done again from the record alone", () => {
    assert.deepEqual(planRefresh({ Memory: 32 * MB, MemorySwap: -1, PidsLimit: -1, CpuQuota: -1 }, modernHost()), {
      resources: { memory: { limit: 32 * MB, swap: -1 } },
      lift: ["pids", "cpuQuota"],
    });
  });
});

describe("limits as they are kept", () => {
  it("have one form for none, and lack what the host can't do", () => {
    const asked: HostConfig = { MemorySwappiness: -1, PidsLimit: 0, BlkioWeight: 300, KernelMemory: 5 };
    assert.deepEqual(supportedResources(asked, hybridHost()), {
      MemorySwappiness: null,
      PidsLimit: null,
      BlkioWeight: 0,
    });
    assert.deepEqual(supportedResources({ MemorySwappiness: 5, OomKillDisable: true, PidsLimit: -1 }, modernHost()), {
      MemorySwappiness: null,
      OomKillDisable: null,
      PidsLimit: -1,
    });
    const cgroup = { ...modernHost().cgroup, swapLimit: false };
    assert.deepEqual(supportedResources({ Memory: MB }, modernHost({ cgroup })), { Memory: MB, MemorySwap: -1 });
  });
});
