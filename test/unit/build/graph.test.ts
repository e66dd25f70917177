import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BuildEvent } from "../../../src/base/build-events.ts";
import { isGantryError } from "../../../src/base/errors.ts";
import { Builder } from "../../../src/build/builder.ts";
import type { RunStep } from "../../../src/build/host.ts";
import { build, FakeHost, filesOf } from "./fake-host.ts";

const lineOf = (step: RunStep): string => step.args.at(-1)!;

/** RUNs that go on until they are told to end, or are killed. */
class Played {
  readonly running = new Map<string, (code: number) => void>();
  readonly begun: string[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(fake: FakeHost) {
    fake.onRun = (step, tree) =>
      new Promise((resolve) => {
        const line = lineOf(step);
        const end = (code: number): void => {
          this.running.delete(line);
          tree.set(`ran-${line}`, { kind: "file", content: line, owner: "0:0", mode: 0o644 });
          resolve(code);
        };
        this.running.set(line, end);
        this.begun.push(line);
        step.onOutput("stdout", Buffer.from(`${line} begins\n`));
        step.signal.addEventListener("abort", () => end(137));
        for (const look of this.waiting.splice(0)) look();
      });
  }

  /** When all of these run at the same time. */
  async together(...lines: string[]): Promise<void> {
    while (!lines.every((line) => this.running.has(line)))
      await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  end(line: string, code = 0): void {
    this.running.get(line)!(code);
  }
}

function world(): { fake: FakeHost; played: Played } {
  const fake = new FakeHost();
  fake.image("busybox:latest", { "bin/sh": "elf" });
  return { fake, played: new Played(fake) };
}

const of = <K extends BuildEvent["kind"]>(events: BuildEvent[], kind: K): Extract<BuildEvent, { kind: K }>[] =>
  events.filter((event): event is Extract<BuildEvent, { kind: K }> => event.kind === kind);

const TWO = [
  "FROM busybox AS a",
  "RUN a",
  "FROM busybox AS b",
  "RUN b",
  "FROM busybox",
  "COPY --from=a /ran-a /",
  "COPY --from=b /ran-b /",
].join("\n");

describe("stages", () => {
  it("that don't need each other run side by side", async () => {
    const { fake, played } = world();
    const building = build(fake, { Dockerfile: TWO });
    await played.together("a", "b");
    played.end("b");
    played.end("a");
    const { image } = await building;
    assert.ok(filesOf(fake, image).has("ran-a") && filesOf(fake, image).has("ran-b"));
  });

  it("wait for another only where they take files of it", async () => {
    const { fake, played } = world();
    const Dockerfile = "FROM busybox AS a\nRUN a\nFROM busybox\nRUN early\nCOPY --from=a /ran-a /\nRUN late\n";
    const building = build(fake, { Dockerfile });
    await played.together("a", "early");
    played.end("early");
    played.end("a");
    await played.together("late");
    played.end("late");
    await building;
    assert.deepEqual(played.begun.at(-1), "late");
  });

  it("may take files of later ones, by name and by number", async () => {
    const { fake, played } = world();
    const Dockerfile =
      "FROM busybox AS first\nCOPY --from=later /ran-l /a\nCOPY --from=1 /ran-l /b\nFROM busybox AS later\nRUN l\n";
    const building = build(fake, { Dockerfile }, { target: "first" });
    await played.together("l");
    played.end("l");
    const files = filesOf(fake, (await building).image);
    assert.equal(files.get("a")?.content, "l");
    assert.equal(files.get("b")?.content, "l");
  });

  it("have no more RUNs under way than are allowed", async () => {
    const { fake, played } = world();
    fake.parallelRuns = 1;
    const building = build(fake, { Dockerfile: TWO });
    await played.together("a");
    assert.deepEqual(played.begun, ["a"]);
    played.end("a");
    await played.together("b");
    played.end("b");
    await building;
  });

  it("speak in the Dockerfile's order through the classic builder's words, whichever ends first", async () => {
    const { fake, played } = world();
    const building = build(fake, { Dockerfile: TWO });
    await played.together("a", "b");
    played.end("b");
    played.end("a");
    const { output } = await building;
    const told = [...output.matchAll(/^(Step \d+|[ab] begins)/gm)].map(([text]) => text);
    assert.deepEqual(told, [
      "Step 1",
      "Step 2",
      "a begins",
      "Step 3",
      "Step 4",
      "b begins",
      "Step 5",
      "Step 6",
      "Step 7",
    ]);
  });
});

describe("a step that fails", () => {
  it("stops all others, and is the one that the error is about", async () => {
    const { fake, played } = world();
    const events: BuildEvent[] = [];
    const building = build(fake, { Dockerfile: TWO }, {}, { onEvent: (event) => events.push(event) });
    await played.together("a", "b");
    played.end("b", 3);
    await assert.rejects(building, /The command '\/bin\/sh -c b' returned a non-zero code: 3/);
    assert.deepEqual(fake.leftovers(), []);
    const steps = new Map(of(events, "planned").flatMap(({ steps }) => steps.map((step) => [step.id, step])));
    const [failed, ...more] = of(events, "failed");
    assert.deepEqual(
      [steps.get(failed!.step)?.name, steps.get(failed!.step)?.stage, failed!.code],
      ["RUN b", { index: 1, name: "b" }, 3],
    );
    assert.equal(more.length, 0);
    assert.deepEqual(
      of(events, "canceled").map(({ step }) => steps.get(step)?.name),
      ["RUN a"],
    );
  });

  it("comes last in the classic builder's words", async () => {
    const { fake, played } = world();
    let output = "";
    const { ClassicWords } = await import("../../../src/server/encode/classic-build.ts");
    const words = new ClassicWords((line) => (output += line.stream ?? ""), { removes: true });
    const building = build(fake, { Dockerfile: TWO }, {}, { onEvent: (event) => words.hear(event) });
    await played.together("a", "b");
    played.end("a");
    played.end("b", 3);
    await assert.rejects(building);
    assert.ok(output.trimEnd().endsWith("b begins"), output);
  });
});

describe("two builds at once", () => {
  it("do the same step once, and both hear it", async () => {
    const { fake, played } = world();
    const builder = new Builder(fake);
    const files = { Dockerfile: "FROM busybox\nRUN make\nRUN test\n" };
    const first = build(fake, files, {}, { builder });
    await played.together("make");
    const second = build(fake, files, {}, { builder });
    await new Promise((resolve) => setImmediate(resolve));
    played.end("make");
    await played.together("test");
    played.end("test");
    const [one, two] = await Promise.all([first, second]);
    assert.equal(two.id, one.id);
    assert.deepEqual(played.begun, ["make", "test"]);
    for (const { events } of [one, two]) {
      assert.deepEqual(
        of(events, "output").map(({ text }) => text),
        ["make begins\n", "test begins\n"],
      );
    }
    const shared = [one, two].map(({ events }) => of(events, "done").filter((event) => event.shared).length);
    assert.equal(shared[0]! + shared[1]!, 2, "each of both steps was shared by one of both builds");
  });

  it("go on without the one that is cancelled: the other does its step", async () => {
    const { fake, played } = world();
    const builder = new Builder(fake);
    const files = { Dockerfile: "FROM busybox\nRUN make\n" };
    const control = new AbortController();
    const first = build(fake, files, {}, { builder, signal: control.signal });
    await played.together("make");
    const second = build(fake, files, {}, { builder });
    await new Promise((resolve) => setImmediate(resolve));
    control.abort();
    await assert.rejects(first, (error) => isGantryError(error, "BUILD_CANCELED"));
    await played.together("make");
    played.end("make");
    await second;
    assert.deepEqual(played.begun, ["make", "make"]);
    assert.deepEqual(fake.leftovers(), []);
  });

  it("both fail with a step that fails", async () => {
    const { fake, played } = world();
    const builder = new Builder(fake);
    const files = { Dockerfile: "FROM busybox\nRUN make\n" };
    const both = [build(fake, files, {}, { builder })];
    await played.together("make");
    both.push(build(fake, files, {}, { builder }));
    await new Promise((resolve) => setImmediate(resolve));
    played.end("make", 2);
    const ends = await Promise.allSettled(both);
    assert.deepEqual(
      ends.map((end) => end.status === "rejected" && isGantryError(end.reason, "RUN_FAILED")),
      [true, true],
    );
    assert.deepEqual(played.begun, ["make"]);
  });
});
