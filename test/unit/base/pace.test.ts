import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pace } from "../../../src/base/pace.ts";

/** Work that ends when told, and a clock moved by hand. */
function world(atOnce: number) {
  const timers: (() => void)[] = [];
  const pace = new Pace(atOnce, 1000, (_ms, fn) => {
    timers.push(fn);
    return () => void timers.splice(timers.indexOf(fn), 1);
  });
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const ask = (name: string): Promise<string> =>
    pace.run(
      () =>
        new Promise((resolve, reject) => {
          begun.push(name);
          ends.set(name, (error) => (error ? reject(error) : resolve(name)));
        }),
    );
  return { ask, begun, end: (name: string, error?: Error) => ends.get(name)?.(error), timers };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("Pace", () => {
  it("lets so many go on at once, the others in their order, also after a failure", async () => {
    const { ask, begun, end, timers } = world(2);
    const [a, b, c, d] = ["a", "b", "c", "d"].map(ask) as [
      Promise<string>,
      Promise<string>,
      Promise<string>,
      Promise<string>,
    ];
    assert.deepEqual(begun, ["a", "b"]);
    end("b");
    assert.equal(await b, "b");
    await turn();
    assert.deepEqual(begun, ["a", "b", "c"]);
    end("a", new Error("no"));
    await assert.rejects(a, /no/);
    await turn();
    for (const name of ["c", "d"]) end(name);
    assert.deepEqual(await Promise.all([c, d]), ["c", "d"]);
    assert.deepEqual(timers, []);
  });

  it("waits no longer for one that is stuck, and counts it once", async () => {
    const { ask, begun, end, timers } = world(1);
    const stuck = ask("stuck");
    const second = ask("second");
    const third = ask("third");
    timers[0]?.();
    await turn();
    assert.deepEqual(begun, ["stuck", "second"]);
    end("stuck");
    await stuck;
    await turn();
    assert.deepEqual(begun, ["stuck", "second"], "the end of one that was given up frees nothing");
    end("second");
    await second;
    await turn();
    end("third");
    await third;
    assert.deepEqual(begun, ["stuck", "second", "third"]);
  });
});
