import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, FrameDecoder, frameHeader, type FramePart } from "../../../src/wire/frames.ts";

const join = (parts: FramePart[]): string[] => {
  const texts: string[] = ["", "", "", ""];
  for (const { stream, data } of parts) texts[stream] += data.toString("latin1");
  return texts;
};

test("a frame is a stream's number, three zeros, the length big-endian and the content", () => {
  assert.deepEqual([...encodeFrame(2, Buffer.from("hi"))], [2, 0, 0, 0, 0, 0, 0, 2, 104, 105]);
  assert.deepEqual([...frameHeader(1, 0x01020304)], [1, 0, 0, 0, 1, 2, 3, 4]);
});

test("frames come out the same however the bytes are cut", () => {
  const frame = fc.record({
    stream: fc.constantFrom(0 as const, 1 as const, 2 as const),
    data: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(30), { maxLength: 30 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ stream, data }) => encodeFrame(stream, data)));
      const decoder = new FrameDecoder();
      const parts: FramePart[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        parts.push(...decoder.push(bytes.subarray(at, at + cut)));
        at = Math.min(bytes.length, at + cut);
      }
      const expected = frames.map(({ stream, data }) => ({ stream, data: Buffer.from(data) }));
      assert.deepEqual(join(parts), join(expected));
      assert.equal(decoder.complete, true);
    }),
  );
});

test("a cut frame leaves the decoder incomplete", () => {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame(1, Buffer.from("abc")).subarray(0, 9));
  assert.equal(decoder.complete, false);
});

test("an empty frame between others is passed over", () => {
  const decoder = new FrameDecoder();
  const bytes = Buffer.concat([encodeFrame(1, Buffer.alloc(0)), encodeFrame(2, Buffer.from("x"))]);
  assert.deepEqual(join(decoder.push(bytes)), ["", "", "x", ""]);
});

test("bytes that are no frames are refused", () => {
  assert.throws(() => new FrameDecoder().push(Buffer.from("plain text")), RangeError);
});
