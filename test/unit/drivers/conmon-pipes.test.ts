import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { readJsonLine } from "../../../src/drivers/conmon/pipes.ts";

describe("readJsonLine", () => {
  it("reads line by line, whether they come in one chunk or in pieces", async () => {
    const pipe = new PassThrough();
    pipe.write('{"data":7}\n{"exit_code":0}\n{"a');
    assert.deepEqual(await readJsonLine(pipe), { data: 7 });
    assert.deepEqual(await readJsonLine(pipe), { exit_code: 0 });
    const last = readJsonLine(pipe);
    pipe.end('":1}\n');
    assert.deepEqual(await last, { a: 1 });
    assert.equal(await readJsonLine(pipe), undefined);
  });

  it("rejects what is no JSON", async () => {
    const pipe = new PassThrough();
    pipe.end("nonsense\n");
    await assert.rejects(readJsonLine(pipe), SyntaxError);
  });
});
