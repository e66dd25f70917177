import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { removeTree } from "../../../src/drivers/syscalls/remove-tree.ts";
import { scratch } from "../../support/scratch.ts";

const sh = (cwd: string, script: string): string => execFileSync("sh", ["-ec", script], { cwd, encoding: "utf8" });

test("a tree goes whatever is in it, and what its links point to stays", async () => {
  using folder = scratch("remove");
  sh(
    folder.path,
    `mkdir -p victim tree/a/b; echo x > victim/file; ln -s ../victim tree/link; ln victim/file tree/hard; mkfifo tree/a/p
    mknod tree/c c 0 0; touch "$(printf 'tree/\\377')" tree/.hidden tree/a/b/c; chmod 000 tree/a/b; for i in $(seq 1 200); do : > tree/f$i; done`,
  );
  await removeTree(folder.path, "tree");
  await removeTree(folder.path, "tree");
  assert.equal(sh(folder.path, "find . -mindepth 1 | sort"), "./victim\n./victim/file\n");
});

test("a tree deeper than any path goes too", async () => {
  using folder = scratch("remove");
  sh(
    folder.path,
    `python3 -c '
import os
os.mkdir("tree"); os.chdir("tree")
for i in range(3000):
    os.mkdir("d"); open("f", "w").close(); os.mkdir("lifted-0"); os.chdir("d")
'`,
  );
  await removeTree(folder.path, "tree");
  assert.deepEqual(fs.readdirSync(folder.path), []);
});

test("what is mounted in a tree is not touched", async () => {
  using folder = scratch("remove");
  sh(
    folder.path,
    "mkdir -p tree/mounted victim; echo x > victim/file; mount -t tmpfs none tree/mounted; echo y > tree/mounted/file",
  );
  try {
    await assert.rejects(removeTree(folder.path, "tree"), { code: "EXDEV" });
    assert.ok(fs.existsSync(path.join(folder.path, "tree/mounted/file")));
  } finally {
    sh(folder.path, "umount tree/mounted");
  }
  await removeTree(folder.path, "tree");
  assert.deepEqual(fs.readdirSync(folder.path), ["victim"]);
});
