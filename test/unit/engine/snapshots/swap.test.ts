import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { carryOut, finishSwaps, RESTORES, type Swap } from "../../../../src/engine/snapshots/swap.ts";
import { MemoryStateStore } from "../../../support/memory-state.ts";

class Killed extends Error {}

/** Folders that are only words; the engine is killed before the effect numbered `killAt`. */
function world(killAt = Number.POSITIVE_INFINITY) {
  const shown: Record<string, string> = { layer: "old", a: "old", b: "old" };
  const staged: Record<string, string> = { layer: "new", a: "new", b: "new" };
  let effects = 0;
  const effect = (action: () => void): void => {
    if (effects++ === killAt) throw new Killed();
    action();
  };
  const accept = (name: string): void => {
    if (staged[name] === undefined) return;
    shown[name] = staged[name];
    delete staged[name];
  };
  const unused = (): never => assert.fail("not part of a swap");
  return {
    shown,
    workspaces: {
      unmount: async () => effect(() => {}),
      acceptUpper: () => effect(() => accept("layer")),
      removeWorkspace: async () => effect(() => (shown["layer"] = "none")),
      ...{ listWorkspaces: unused, mount: unused, stageUpper: unused, discardUpper: unused },
    },
    contents: {
      accept: (name: string) => effect(() => accept(name)),
      ...{ stage: unused, clean: unused, sweep: unused, settled: unused, copy: unused, isEmpty: unused },
      ...{ rename: unused, bytesOnDisk: unused, sync: unused },
    },
    revive: () => (effects = Number.NEGATIVE_INFINITY),
  };
}

const swap = (layer: boolean): Swap => ({
  container: "c",
  layer,
  volumes: [
    { name: "a", tree: "1" },
    { name: "b", tree: "2" },
  ],
});

describe("a swap that was cut short", () => {
  for (const layer of [true, false]) {
    for (const killAt of layer ? [0, 1, 2, 3] : [0, 1, 2]) {
      it(`before effect ${killAt + 1} is finished by the next engine, ${layer ? "with" : "without"} a layer`, async () => {
        const state = new MemoryStateStore();
        const w = world(killAt);
        const intent = { running: ["c"], swap: swap(layer) };
        state.commit([{ bucket: RESTORES, key: "c", value: intent }]);
        await assert.rejects(carryOut(w, intent.swap), Killed);
        w.revive();
        await finishSwaps({ state, ...w });
        assert.deepEqual(w.shown, { layer: layer ? "new" : "none", a: "new", b: "new" });
        // who ran is still to be started
        assert.deepEqual(state.get(RESTORES, "c"), { running: ["c"] });
        await finishSwaps({ state, ...w });
        assert.deepEqual(w.shown, { layer: layer ? "new" : "none", a: "new", b: "new" });
      });
    }
  }

  it("is left alone where no rename has begun", async () => {
    const state = new MemoryStateStore();
    const w = world();
    state.commit([{ bucket: RESTORES, key: "c", value: { running: ["c"] } }]);
    await finishSwaps({ state, ...w });
    assert.deepEqual(w.shown, { layer: "old", a: "old", b: "old" });
  });
});
