import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { OverlayLayerStore } from "../../../src/drivers/overlayfs/layer-store.ts";
import { SqliteStateStore } from "../../../src/drivers/sqlite/state-store.ts";
import { testArchive } from "../../support/tar-archive.ts";

const archive = testArchive();
after(() => archive.close());

const mountsBelow = (root: string): string[] =>
  fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => target.startsWith(`${root}/`));

test("a process killed at any moment of adding layers leaves nothing that its successor does not clear", async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-crash-"));
  try {
    let kept = 0;
    const delays = [0, 4, 9, 15, 25, 40, 70, 110];
    for (const delay of delays) {
      await killedAfter(root, delay);
      const state = new SqliteStateStore(path.join(root, "state.db"));
      const store = new OverlayLayerStore({ root, state, archive });
      for (const id of store.listWorkspaces()) await store.removeWorkspace(id);
      await store.settled();
      const layers = store.list();
      kept += layers.length;
      assert.deepEqual(mountsBelow(root), []);
      assert.deepEqual(fs.readdirSync(path.join(root, "trash")), []);
      assert.deepEqual(fs.readdirSync(path.join(root, "workspaces")), []);
      assert.deepEqual(
        fs.readdirSync(path.join(root, "layers")).toSorted(),
        [".empty", ...layers.map((layer) => layer.dir)].toSorted(),
      );
      for (const layer of layers) for await (const _ of store.tar(layer.chainId)); // fails when it does not hash
      const parents = new Map(layers.map((layer) => [layer.chainId, layer.parent]));
      let top = layers.find((layer) => !layers.some((other) => other.parent === layer.chainId))?.chainId;
      for (; top !== undefined; top = parents.get(top)) await store.remove(top);
      assert.deepEqual(store.list(), []);
      await store.settled();
      state.close();
      // On a busy machine the child gets nowhere so soon.
      if (delay === delays.at(-1) && kept === 0 && delay < 5000) delays.push(delay * 2);
    }
    assert.ok(kept > 0, "no layer was ever complete: the test kills too early");
  } finally {
    for (const target of mountsBelow(root)) execFileSync("umount", ["-l", target]);
    fs.rmSync(root, { recursive: true, force: true });
  }
});

/** Runs a process that adds layers in a loop, and kills it so many milliseconds after its first step. */
async function killedAfter(root: string, delay: number): Promise<void> {
  const script = new URL("crash-child.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", script, root], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => void child.once("exit", resolve));
  await new Promise((resolve) => void child.stdout.once("data", resolve));
  if (delay > 0) await new Promise((resolve) => void setTimeout(resolve, delay)); // the moment of death is the test
  child.kill("SIGKILL");
  await ended;
}
