import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { manual } from "../../scripts/man/pages.ts";
import type { Command } from "../../src/cli/command.ts";
import { entries, groups } from "../../src/cli/commands.ts";

test("each command and group has a page, and each page all of its flags", async () => {
  const files = await manual();
  for (const { names, hidden, load } of entries) {
    if (hidden === true) continue;
    for (const name of names) assert.ok(files.has(`man1/gantry-${name.replaceAll(" ", "-")}.1`), name);
    const page = files.get(`man1/gantry-${names[0]!.replaceAll(" ", "-")}.1`)!;
    const command = (await load()).default as Command;
    for (const [flag, { hidden }] of Object.entries(command.flags)) {
      const shown = page.includes(`\\fB\\-\\-${flag.replaceAll("-", "\\-")}\\fR`);
      assert.equal(shown, hidden !== true, `${names[0]} --${flag}`);
    }
  }
  for (const { name } of groups) assert.ok(files.has(`man1/gantry-${name}.1`), name);
  assert.match(files.get("man8/gantryd.8")!, /\\fB\\-H\\fR, \\fB\\-\\-host\\fR \\fIlist\\fR\nSocket to listen on/);
});

test("groff takes every page without a warning, and no word is lost to it", async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-man-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  try {
    execFileSync("groff", ["--version"], { stdio: "ignore" });
  } catch {
    t.skip("groff is not installed");
    return;
  }
  const pages = [...(await manual()).values()].filter((text) => !text.startsWith(".so "));
  const file = path.join(folder, "all");
  fs.writeFileSync(file, pages.join(""));
  const script = 'groff -man -Tutf8 -ww -P-cbou "$1" 2>&1 >"$1.txt"';
  assert.equal(execFileSync("sh", ["-c", script, "sh", file], { encoding: "utf8" }), "");
  const text = fs.readFileSync(`${file}.txt`, "utf8").replace(/\s+/g, " ");
  for (const words of [
    "gantry-cp - Copy files/folders between",
    "gantry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    "--restart string Restart policy to apply",
    "'table TEMPLATE': Table by the given Go template",
    "-H, --host list Socket to listen on: unix://PATH",
  ]) {
    assert.ok(text.includes(words), words);
  }
});
