import assert from "node:assert/strict";
import { test } from "node:test";
import { Gantry, GantryError, Task } from "../../../src/sdk/index.ts";
import { play } from "../../support/played-engine.ts";

function work(log: string[], failure?: Error): Task<number, string> {
  return new Task(async function* () {
    try {
      log.push("begun");
      yield 1;
      if (failure) throw failure;
      yield 2;
      return "done";
    } finally {
      log.push("ended");
    }
  });
}

test("a task begins when it is awaited or iterated, once, and gives its result as often as asked", async () => {
  const log: string[] = [];
  const awaited = work(log);
  assert.deepEqual(log, []);
  assert.deepEqual([await awaited, await awaited], ["done", "done"]);
  assert.deepEqual(log, ["begun", "ended"]);
  const iterated = work([]);
  const seen: number[] = [];
  for await (const event of iterated) seen.push(event);
  assert.deepEqual([seen, await iterated], [[1, 2], "done"]);
  assert.throws(() => iterated[Symbol.asyncIterator](), TypeError);
});

test("a loop that is left gives the work up, and its result is an AbortError", async () => {
  const log: string[] = [];
  const left = work(log);
  for await (const _ of left) break;
  assert.deepEqual(log, ["begun", "ended"]);
  await assert.rejects(
    left.finally(() => log.push("told")),
    { name: "AbortError" },
  );
  assert.deepEqual(log, ["begun", "ended", "told"]);
});

test("an error reaches whoever iterates and whoever awaits, and is nobody's unhandled rejection", async () => {
  const failure = new Error("no");
  const failing = work([], failure);
  await assert.rejects(async () => {
    for await (const _ of failing);
  }, failure);
  assert.equal(await failing.catch((error) => error), failure);
});

const WORDS: [says: object, kind: string, code: string, exitCode?: number][] = [
  [{ message: "The command 'sh' returned a non-zero code: 7", code: 7 }, "invalid", "RUN_FAILED", 7],
  [{ message: "manifest for x:1 not found: manifest unknown" }, "notFound", "NOT_FOUND"],
  [{ message: "pull access denied for x, repository does not exist" }, "forbidden", "REGISTRY_DENIED"],
  [{ message: "unauthorized: authentication required" }, "unauthorized", "REGISTRY_DENIED"],
  [{ message: "dial tcp 127.0.0.1:5000: connect: connection refused" }, "unavailable", "REGISTRY_UNREACHABLE"],
  [{ message: "something of its own" }, "internal", "DAEMON_ERROR"],
  [{ message: "not found", kind: "conflict", reason: "IN_USE", hint: "wait" }, "conflict", "IN_USE"],
];

test("an error that ends a stream has the engine's kind, or what dockerd's words tell", async (t) => {
  for (const [errorDetail, kind, code, exitCode] of WORDS) {
    const { host } = await play(t, (_, response) => {
      response.end(`{"status":"begun"}\n${JSON.stringify({ errorDetail, error: "said" })}\n`);
    });
    const gantry = new Gantry({ host });
    const error: unknown = await gantry.images.pull("x").catch((caught) => caught);
    assert.ok(error instanceof GantryError);
    assert.deepEqual([error.kind, error.code, error.details?.["exitCode"]], [kind, code, exitCode]);
    assert.equal(error.hint, (errorDetail as { hint?: string }).hint);
    gantry.close();
  }
});
