import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { SqliteStateStore } from "../../src/drivers/sqlite/state-store.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { MemoryStateStore } from "../support/memory-state.ts";

const kinds: Record<string, () => { store: StateStore; reopen?: () => StateStore; end: () => void }> = {
  memory: () => {
    const store = new MemoryStateStore();
    return { store, end: () => store.close() };
  },
  sqlite: () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-state-"));
    let store = new SqliteStateStore(path.join(folder, "state.db"));
    return {
      store,
      reopen: () => {
        store.close();
        store = new SqliteStateStore(path.join(folder, "state.db"));
        return store;
      },
      end: () => {
        store.close();
        fs.rmSync(folder, { recursive: true });
      },
    };
  },
};

for (const [name, make] of Object.entries(kinds)) {
  describe(`StateStore: ${name}`, () => {
    it("gives back what was committed, by bucket and key, sorted", () => {
      const { store, end } = make();
      store.commit([
        { bucket: "b", key: "2", value: { n: 2, text: "ü\u0000" } },
        { bucket: "b", key: "1", value: [1] },
        { bucket: "other", key: "1", value: "x" },
      ]);
      assert.deepEqual(store.get("b", "2"), { n: 2, text: "ü\u0000" });
      assert.equal(store.get("b", "3"), undefined);
      assert.deepEqual(store.list("b"), [
        ["1", [1]],
        ["2", { n: 2, text: "ü\u0000" }],
      ]);
      end();
    });

    it("syncs what was committed before, for many who ask at once", async () => {
      const { store, end } = make();
      store.commit([{ bucket: "b", key: "1", value: 1 }], { sync: false });
      await Promise.all(Array.from({ length: 50 }, () => store.synced()));
      store.commit([{ bucket: "b", key: "2", value: 2 }], { sync: false });
      await store.synced();
      assert.equal(store.get("b", "2"), 2);
      end();
    });

    it("overwrites, deletes, and takes deleting what is missing", () => {
      const { store, end } = make();
      store.commit([{ bucket: "b", key: "1", value: 1 }]);
      store.commit([{ bucket: "b", key: "1", value: 2 }]);
      assert.equal(store.get("b", "1"), 2);
      store.commit([
        { bucket: "b", key: "1", value: undefined },
        { bucket: "b", key: "9", value: undefined },
      ]);
      assert.deepEqual(store.list("b"), []);
      end();
    });

    it("keeps a value apart from the object that was committed", () => {
      const { store, end } = make();
      const value = { list: [1] };
      store.commit([{ bucket: "b", key: "1", value }]);
      value.list.push(2);
      assert.deepEqual(store.get("b", "1"), { list: [1] });
      end();
    });

    it("commits all of a group or nothing", () => {
      const { store, end } = make();
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      assert.throws(() =>
        store.commit([
          { bucket: "b", key: "1", value: 1 },
          { bucket: "b", key: "2", value: circle },
        ]),
      );
      assert.deepEqual(store.list("b"), []);
      store.commit([{ bucket: "b", key: "1", value: 1 }]);
      assert.equal(store.get("b", "1"), 1);
      end();
    });
  });
}

it("SQLite's store has everything after it is opened again", () => {
  const { store, reopen, end } = kinds["sqlite"]!();
  store.commit([{ bucket: "b", key: "1", value: { kept: true } }]);
  assert.deepEqual(reopen!().get("b", "1"), { kept: true });
  end();
});
