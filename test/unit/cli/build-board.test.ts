import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BuildEvent, BuildStep } from "../../../src/base/build-events.ts";
import { BuildBoard } from "../../../src/cli/progress/build-board.ts";
import { SolveStatus } from "../../../src/cli/progress/solve-status.ts";
import { StepOutput } from "../../../src/cli/progress/step-output.ts";
import { clipped, columnsOf } from "../../../src/cli/terminal/look.ts";
import type { Output } from "../../../src/cli/terminal/output.ts";
import { until } from "../../support/until.ts";
import { screenOf } from "../../support/screen.ts";

const paper = (): Output & { text: string; writes: number } => ({
  isTTY: true,
  text: "",
  writes: 0,
  write(data) {
    this.text += String(data);
    this.writes += 1;
  },
});

const steps = (count: number, stage = { index: 0, name: "app" }): BuildStep[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ id: `${stage.index}${n + 1}`, number: n + 1, total: count, stage, line: n + 1 },
    ...{ instruction: n === 0 ? "FROM" : "RUN", name: n === 0 ? "FROM base" : `RUN step ${n + 1}` },
  }));

const started = (step: BuildStep): BuildEvent => ({ kind: "started", step: step.id, at: "2026-01-01T00:00:00Z" });
const done = (step: BuildStep, more: object = {}): BuildEvent => ({
  ...{ kind: "done", step: step.id, cached: false, ms: 3200, image: "" },
  ...more,
});

/** Without what fills a line up to its time. */
const tight = (text: string): string[] => text.split("\n").map((line) => line.replace(/ {2,}/g, " "));

function board(): {
  hear(...events: BuildEvent[]): void;
  at(now: number): void;
  board: BuildBoard;
  out: ReturnType<typeof paper>;
} {
  let now = 0;
  const out = paper();
  const made = new BuildBoard(out, { live: true, colour: false }, () => now);
  return {
    out,
    board: made,
    at: (time) => void (now = time),
    hear: (...events) => {
      for (const build of events) made.show({ build });
    },
  };
}

describe("a build on a terminal", () => {
  it("keeps a line of each step that was done, one of those from the cache, and says what was slow", () => {
    const { hear, board: made, out } = board();
    const all = steps(5);
    hear({ kind: "planned", steps: all });
    for (const step of all.slice(0, 3)) hear(started(step), done(step, { cached: true, ms: 0 }));
    hear(started(all[3]!), { kind: "missed", step: "04", why: { reason: "changed", changes: [{ what: "file a" }] } });
    hear(done(all[3]!, { bytes: 18_000 }), started(all[4]!), done(all[4]!, { ms: 5 }));
    hear({
      kind: "summary",
      image: "sha256:0123456789abcdef",
      tags: ["x:1"],
      ms: 3300,
      size: 5e6,
      steps: 4,
      cached: 2,
    });
    made.end(false);
    assert.deepEqual(tight(screenOf(out.text)), [
      "[app 1-3/5] 3 steps cached",
      "[app 4/5] RUN step 4 18kB 3.2s",
      " not cached: file a changed",
      "[app 5/5] RUN step 5 0.0s",
      "Built 0123456789ab in 3.3s, 5MB, 2 of 4 steps from the cache",
      "Tagged x:1",
      "Slowest steps:",
      " 3.2s 18kB [app 4/5] RUN step 4",
      "",
    ]);
  });

  it("ends with all that the failed step said, and where it stands", () => {
    const { hear, board: made, out } = board();
    const [from, one, two] = steps(3) as [BuildStep, BuildStep, BuildStep];
    hear({ kind: "planned", steps: [from, one, two] }, started(one), started(two));
    for (let n = 1; n <= 40; n += 1) hear({ kind: "output", step: one.id, stream: "stdout", text: `line ${n}\n` });
    const source = { file: "Dockerfile", line: 2, excerpt: [" 2 | RUN step 2", "   | ^^^"] };
    hear({ kind: "failed", step: one.id, ms: 100, message: "no", code: 1, source });
    hear({ kind: "canceled", step: two.id, ms: 100 });
    made.end(true);
    const lines = tight(screenOf(out.text));
    assert.deepEqual(lines.slice(0, 2), ["[app 3/3] RUN step 3 canceled", "[app 2/3] RUN step 2 failed 0.1s"]);
    assert.deepEqual(
      lines.slice(2, 42),
      Array.from({ length: 40 }, (_, n) => `line ${n + 1}`),
    );
    assert.deepEqual(lines.slice(42), ["", "Dockerfile:2", " 2 | RUN step 2", " | ^^^", ""]);
  });

  it("draws a thousand steps and a flood of words in few pictures, none higher than the terminal", () => {
    const { hear, board: made, out } = board();
    const all = steps(1000);
    hear({ kind: "planned", steps: all });
    const began = performance.now();
    for (const step of all) hear(started(step));
    for (let n = 0; n < 100_000; n += 1) hear({ kind: "output", step: "01", stream: "stdout", text: `flood ${n}\n` });
    for (const step of all) hear(done(step));
    made.end(false);
    const frames = Math.ceil((performance.now() - began) / 80) + 2;
    assert.ok(out.writes <= frames, `${out.writes} writes in ${frames} frames`);
    for (const picture of out.text.split("\u001b[J")) {
      const live = picture.slice(Math.max(0, picture.indexOf("Building:"))).split("\n").length - 1;
      assert.ok(!picture.includes("Building:") || live <= 23, `${live} lines`);
    }
    assert.equal(tight(screenOf(out.text)).filter((line) => /^\[app \d+\/1000\]/.test(line)).length, 1000);
  });

  it("draws one bar for the layers that a step pulls", async () => {
    const { hear, board: made, out } = board();
    const [from] = steps(2) as [BuildStep];
    hear({ kind: "planned", steps: steps(2) }, started(from));
    const transfer = (id: string, status: string, current = 0, total = 0): BuildEvent => {
      const progress = { id, status, ...(total > 0 && { progressDetail: { current, total } }) };
      return { kind: "transfer", step: from.id, progress };
    };
    hear(transfer("a", "Pulling fs layer"), transfer("b", "Pulling fs layer"));
    hear(
      transfer("a", "Downloading", 1000, 1000),
      transfer("a", "Extracting", 10, 1000),
      transfer("a", "Pull complete"),
    );
    hear(transfer("b", "Downloading", 500, 3000));
    made.sending("build context", 10, 20, false);
    await until(() => out.text !== "", { what: "a picture" });
    assert.deepEqual(
      tight(screenOf(out.text)).map((line) => line.replace(/=+> /, "=>")),
      [
        ...["Building: 0 of 2 steps 0.0s", "build context [=>] 10B/20B", "[app 1/2] FROM base 0.0s"],
        ...[" 1/2 layers [=>] 1.5kB/4kB", ""],
      ],
    );
    made.end(false);
    assert.equal(screenOf(out.text).trim(), "");
  });
});

describe("a step's output", () => {
  it("has a tail as a terminal would show it, in bounded memory", () => {
    const output = new StepOutput();
    output.push("one\ntwo\r\n10%\r50%\r\u001b[31mred\u001b[0m\tend");
    assert.deepEqual(output.tail(3), ["one", "two", "red end"]);
    assert.deepEqual(output.tail(1), ["red end"]);
    assert.deepEqual(output.tail(0), []);
    for (let n = 0; n < 300; n += 1) output.push("x".repeat(65_536));
    assert.ok(output.whole().length < 9 * 1024 * 1024);
    assert.match(output.whole(), /^… \(what came before/);
  });
});

it("columns are counted, not letters", () => {
  assert.equal(columnsOf("日本"), 4);
  assert.equal(columnsOf("e\u0301🚀"), 3);
  assert.equal(clipped("日本語", 5), "日本…");
  assert.equal(clipped("日本語", 4), "日…");
});

it("rawjson is BuildKit's status: vertexes, logs in base64, errors", () => {
  const out = paper();
  const status = new SolveStatus(out, () => 0);
  const [from, run] = steps(2) as [BuildStep, BuildStep];
  for (const build of [
    { kind: "planned", steps: [from, run] },
    started(run),
    { kind: "output", step: run.id, stream: "stderr", text: "hi\n" },
    { kind: "failed", step: run.id, ms: 1, message: "broken" },
  ] satisfies BuildEvent[]) {
    status.show({ build });
  }
  const [plan, begun, log, end] = out.text
    .trim()
    .split("\n")
    .map(
      (line) => JSON.parse(line) as { vertexes?: { digest: string; name: string; error?: string }[]; logs?: object[] },
    );
  const digest = plan?.vertexes?.[1]?.digest;
  assert.match(digest ?? "", /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(begun?.vertexes, [{ digest, name: "[app 2/2] RUN step 2", started: "2026-01-01T00:00:00Z" }]);
  assert.deepEqual(log?.logs, [{ vertex: digest, stream: 2, data: "aGkK", timestamp: "1970-01-01T00:00:00.000Z" }]);
  assert.equal(end?.vertexes?.[0]?.error, "broken");
});
