import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { HostConfig } from "../../../../src/base/container-config.ts";
import { GantryError } from "../../../../src/base/errors.ts";
import type { ContainerRecord } from "../../../../src/engine/containers/record.ts";
import { type ContainerEntry, ContainerRegistry } from "../../../../src/engine/containers/registry.ts";
import { Updater, type UpdateDeps } from "../../../../src/engine/containers/update.ts";
import type { OciRuntime } from "../../../../src/ports/oci-runtime.ts";
import { MemoryStateStore } from "../../../support/memory-state.ts";
import { record } from "./fakes.ts";
import { hybridHost } from "./spec/host.ts";

const MB = 2 ** 20;
let state: MemoryStateStore;
let told: Record<string, unknown>[];
let events: string[];
let refusal: GantryError | undefined;
let storedMeanwhile: ContainerRecord | undefined;
let updater: Updater;
let entry: ContainerEntry;

const stored = (): ContainerRecord => state.get<ContainerRecord>("containers", entry.id) as ContainerRecord;

beforeEach(() => {
  state = new MemoryStateStore();
  told = [];
  events = [];
  refusal = undefined;
  const registry = new ContainerRegistry(state);
  const before: HostConfig = { Memory: 32 * MB, MemorySwap: 64 * MB };
  entry = registry.add(record({ hostConfig: before }, { status: "running" }));
  const runtime: Partial<OciRuntime> = {
    async update(_id, resources) {
      told.push(resources);
      storedMeanwhile = structuredClone(stored());
      const error = refusal;
      refusal = undefined;
      if (error) throw error;
    },
  };
  updater = new Updater({
    registry,
    runtime: () => runtime as OciRuntime,
    host: { facts: () => hybridHost() } as UpdateDeps["host"],
    cgroups: { lift() {} } as unknown as UpdateDeps["cgroups"],
    monitor: { exitCode: () => undefined } as unknown as UpdateDeps["monitor"],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    publish: (_entry, action) => void events.push(action),
  });
});

describe("an update", () => {
  it("is on record before it is done, as one to be finished, and then as done", async () => {
    assert.deepEqual(await updater.update(entry, { Memory: 48 * MB }), []);
    assert.deepEqual(told, [{ memory: { limit: 48 * MB, swap: 64 * MB } }]);
    assert.equal(storedMeanwhile?.hostConfig.Memory, 48 * MB);
    assert.equal(storedMeanwhile?.state.updating, true);
    assert.deepEqual([stored().hostConfig.Memory, stored().state.updating], [48 * MB, undefined]);
    assert.deepEqual(events, ["update"]);
  });

  it("that the runtime refuses changes nothing, and what was done of it is taken back", async () => {
    refusal = new GantryError("conflict", "UPDATE_REFUSED", "device or resource busy");
    await assert.rejects(updater.update(entry, { Memory: 7 * MB, RestartPolicy: { Name: "always" } }), {
      message: `Cannot update container ${entry.id}: device or resource busy`,
    });
    assert.deepEqual(told.at(-1), { memory: { limit: 32 * MB, swap: 64 * MB } });
    for (const { hostConfig, state: kept } of [entry.record, stored()]) {
      assert.deepEqual([hostConfig, kept.updating], [{ Memory: 32 * MB, MemorySwap: 64 * MB }, undefined]);
    }
    assert.deepEqual(events, []);
  });

  it("of one that ends in that moment is kept for its next start", async () => {
    refusal = new GantryError("conflict", "NOT_RUNNING", "container is not running");
    await updater.update(entry, { Memory: 48 * MB });
    assert.equal(stored().hostConfig.Memory, 48 * MB);
  });

  it("of one that is down asks no runtime", async () => {
    entry.record.state.status = "exited";
    await updater.update(entry, { Memory: 48 * MB });
    assert.deepEqual([told, stored().hostConfig.Memory], [[], 48 * MB]);
  });

  it("of one that is being removed is refused", async () => {
    entry.record.state.status = "removing";
    await assert.rejects(updater.update(entry, { Memory: 48 * MB }), /container is marked for removal/);
  });

  it("that was cut short is finished by the next engine", async () => {
    entry.record.state.updating = true;
    await updater.resume(entry);
    assert.deepEqual(told, [{ memory: { limit: 32 * MB, swap: 64 * MB }, pids: { limit: 2048 } }]);
    assert.equal(stored().state.updating, undefined);
    await updater.resume(entry);
    assert.equal(told.length, 1);
  });
});
