import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildSteps } from "../../../src/cli/progress/build-steps.ts";
import { PlainLines } from "../../../src/cli/progress/show.ts";
import { progressBar, Transfers } from "../../../src/cli/progress/transfers.ts";
import { clipped, lookOf, tinted, withoutEscapes } from "../../../src/cli/terminal/look.ts";
import type { Output } from "../../../src/cli/terminal/output.ts";
import { screenOf } from "../../support/screen.ts";

const paper = (): Output & { text: string } => ({
  isTTY: true,
  text: "",
  write(data) {
    this.text += String(data);
  },
});
const PLAIN = { live: true, colour: false };

test("what may be drawn: not to pipes, not on dumb terminals, without colour where NO_COLOR says so", () => {
  const out = paper();
  assert.deepEqual(lookOf(out, { TERM: "xterm" }), { live: true, colour: true });
  assert.deepEqual(lookOf(out, { TERM: "xterm", NO_COLOR: "1" }), PLAIN);
  assert.deepEqual(lookOf(out, { TERM: "xterm", NO_COLOR: "" }), { live: true, colour: true });
  assert.deepEqual(lookOf(out, { TERM: "dumb" }), { live: false, colour: false });
  assert.deepEqual(lookOf({ ...out, isTTY: false }, { TERM: "xterm" }), { live: false, colour: false });
  assert.equal(tinted(PLAIN, "bad", "x"), "x");
  assert.equal(tinted({ live: true, colour: true }, "bad", "x"), "\u001b[31mx\u001b[0m");
});

test("clipping counts letters, not colours, and what moves a cursor goes", () => {
  assert.equal(clipped("abcdef", 4), "abc…");
  assert.equal(clipped("abcd", 4), "abcd");
  assert.equal(clipped("\u001b[31mabcdef\u001b[0m", 4), "\u001b[31mabc…\u001b[0m");
  assert.equal(withoutEscapes("\u001b[2J\u001b[31ma\u001b[1;2Hb\u001b(Bc"), "abc");
});

test("a bar is drawn only where there is room, and a rate where there is one", () => {
  assert.equal(progressBar(0, 0, 120), "");
  assert.equal(progressBar(500, 1000, 20), "    500B/1kB");
  assert.equal(progressBar(500, 1000, 120), `[${"=".repeat(25)}>${" ".repeat(25)}]     500B/1kB`);
  assert.equal(progressBar(500, 1000, 40, "1kB/s"), "[========>         ]     500B/1kB  1kB/s");
  assert.equal(progressBar(500, 0, 120), "    500B");
  assert.equal(progressBar(2000, 1000, 120), "     2kB");
});

test("each layer has its line, and all of them one together", () => {
  let now = 0;
  const transfers = new Transfers(paper(), PLAIN, () => now);
  const detail = (current: number, total: number): { progressDetail: object } => ({
    progressDetail: { current, total },
  });
  transfers.show("aaa", { status: "Downloading", ...detail(0, 4000) });
  transfers.show("bbb", { status: "Downloading", ...detail(0, 6000) });
  now = 1000;
  transfers.show("aaa", { status: "Downloading", ...detail(1000, 4000) });
  transfers.show("bbb", { status: "Downloading", ...detail(4000, 6000) });
  assert.deepEqual(
    transfers.lines(80).map((line) => line.replace(/\[=* *> *\]/, "[]").replace(/ +/g, " ")),
    ["aaa: Downloading [] 1kB/4kB 1kB/s", "bbb: Downloading [] 4kB/6kB 4kB/s", "Total: [] 5kB/10kB 5kB/s"],
  );
  assert.ok(transfers.lines(40).every((line) => line.length <= 40));
  transfers.show("aaa", { status: "Pull complete" });
  assert.deepEqual(transfers.lines(30)[0], "aaa: Pull complete");
  transfers.settle();
});

const build = (...streams: string[]): string[] => streams;

test("a build's steps are a line each with their time, and what they said is gone", () => {
  let now = 0;
  const out = paper();
  const steps = new BuildSteps(out, PLAIN, () => now);
  for (const stream of build(
    "Step 1/2 : FROM busybox\n",
    " ---> 0123456789ab\n",
    "Step 2/2 : RUN make",
    " all\n",
    " ---> Running in 012345\n",
    "compiling\n",
    "linking\n",
  ))
    steps.show({ stream });
  now = 3210;
  for (const stream of build(
    "Removing intermediate container 012345\n ---> 77\n",
    "Successfully built 77\n",
    "Successfully tagged x:latest\n",
  ))
    steps.show({ stream });
  steps.end(false);
  assert.deepEqual(
    screenOf(out.text)
      .split("\n")
      .map((line) => line.replace(/ {2,}/g, " ")),
    ["[1/2] FROM busybox 0.0s", "[2/2] RUN make all 3.2s", "Successfully built 77", "Successfully tagged x:latest", ""],
  );
});

test("while a step runs its last words stand below it; when it fails all of them stay", () => {
  const out = paper();
  const steps = new BuildSteps(out, PLAIN, () => 0);
  steps.show({ stream: "Step 1/1 : RUN seq 20\n" });
  for (let line = 1; line <= 20; line += 1) steps.show({ stream: `${line}\n` });
  steps.end(true);
  const shown = screenOf(out.text).split("\n");
  assert.equal(shown[0], "[1/1] RUN seq 20");
  assert.deepEqual(
    shown.slice(1, 21),
    Array.from({ length: 20 }, (_, at) => `${at + 1}`),
  );
});

test("a cached step says so; a base image's layers stand below the step that pulls it", () => {
  const out = paper();
  const steps = new BuildSteps(out, PLAIN, () => 0);
  steps.show({ stream: "Step 1/2 : FROM far\n" });
  steps.show({ id: "aaa", status: "Downloading", progressDetail: { current: 1, total: 2 } });
  steps.show({ stream: "Step 2/2 : COPY . .\n ---> Using cache\n" });
  steps.end(false);
  assert.match(screenOf(out.text), /^\[1\/2\] FROM far +0\.0s\n\[2\/2\] COPY \. \. +cached\n$/);
});

test("elsewhere only changes of state are printed", () => {
  const out = paper();
  const lines = new PlainLines(out);
  lines.show({ id: "a", status: "Downloading", progressDetail: { current: 1, total: 2 } });
  lines.show({ id: "a", status: "Pull complete" });
  lines.show({ stream: "Step 1/1 : FROM x\n" });
  lines.show({ status: "done" });
  assert.equal(out.text, "a: Pull complete\nStep 1/1 : FROM x\ndone\n");
});
