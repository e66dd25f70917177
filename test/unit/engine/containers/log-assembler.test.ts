import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LogAssembler } from "../../../../src/engine/containers/log-assembler.ts";
import type { LogStream, PlacedEntry } from "../../../../src/ports/container-logs.ts";
import type { LogMessage } from "../../../../src/ports/log-shipper.ts";

let offset = 0;
const entry = (text: string, stream: LogStream = "stdout"): PlacedEntry => {
  const data = Buffer.from(text);
  const time = "2026-01-02T03:04:05.000000001Z";
  offset += data.length;
  return { stream, time, data, place: { file: "f", offset, time } };
};
const assembler = (): LogAssembler => {
  offset = 0;
  return new LogAssembler(undefined, () => "id");
};
const texts = (messages: LogMessage[]): string[] => messages.map(({ line }) => line.toString());

describe("LogAssembler", () => {
  it("joins the parts of a line, each stream's own", () => {
    const lines = assembler();
    assert.deepEqual(texts(lines.push(entry("ab"))), []);
    assert.deepEqual(texts(lines.push(entry("err\n", "stderr"))), ["err"]);
    const [whole] = lines.push(entry("c\n"));
    assert.equal(whole?.line.toString(), "abc");
    assert.equal(whole?.partial, undefined);
  });

  it("marks only what needs no more of what came before", () => {
    const lines = assembler();
    lines.push(entry("one\n"));
    assert.equal(lines.mark()?.place.offset, 4);
    lines.push(entry("tw"));
    lines.push(entry("err\n", "stderr"));
    assert.equal(lines.mark()?.place.offset, 4);
    lines.push(entry("o\n"));
    assert.equal(lines.mark()?.place.offset, offset);
  });

  it("gives an end without a newline at the end", () => {
    const lines = assembler();
    lines.push(entry("tail"));
    assert.deepEqual(texts(lines.end()), ["tail"]);
    assert.equal(lines.mark()?.place.offset, 4);
  });

  it("cuts long lines into numbered parts, also over a restart", () => {
    const lines = assembler();
    const part = "x".repeat(8000);
    const sent = [...lines.push(entry(part)), ...lines.push(entry(part)), ...lines.push(entry(part))];
    assert.deepEqual(
      sent.map(({ line, partial }) => [line.length, partial]),
      [[16_000, { id: "id", ordinal: 1, last: false }]],
    );
    const mark = lines.mark();
    assert.equal(mark?.place.offset, 16_000);
    assert.deepEqual(mark?.open, { stdout: { id: "id", ordinal: 1 } });
    const next = new LogAssembler(mark, () => "another");
    next.push(entry(part));
    const [last] = next.push(entry("end\n"));
    assert.deepEqual(last?.partial, { id: "id", ordinal: 2, last: true });
    assert.deepEqual(next.mark()?.open, {});
  });

  it("does not wait for ever for the end of a line", () => {
    const lines = assembler();
    lines.push(entry("prompt: "));
    const sent: LogMessage[] = [];
    for (let n = 0; n < 20; n++) sent.push(...lines.push(entry(`${"y".repeat(4000)}\n`, "stderr")));
    const prompt = sent.find(({ stream }) => stream === "stdout");
    assert.deepEqual(prompt?.partial, { id: "id", ordinal: 1, last: false });
    assert.equal(lines.mark()?.place.offset, offset);
  });
});
