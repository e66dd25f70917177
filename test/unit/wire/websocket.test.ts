import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptKey, encodeWebSocketFrame, WebSocketDecoder } from "../../../src/wire/websocket.ts";

/** From RFC 6455, section 5.7: "Hello", masked. */
const HELLO = Buffer.from("818537fa213d7f9f4d5158", "hex");

test("the handshake of the RFC", () => {
  assert.equal(acceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("a client's frames, however they are cut", () => {
  for (let size = 1; size <= HELLO.length * 2; size++) {
    const decoder = new WebSocketDecoder();
    const bytes = Buffer.concat([HELLO, HELLO]);
    const frames = [];
    for (let at = 0; at < bytes.length; at += size) frames.push(...decoder.push(bytes.subarray(at, at + size)));
    assert.deepEqual(
      frames.map(({ opcode, payload }) => [opcode, payload.toString()]),
      [
        [1, "Hello"],
        [1, "Hello"],
      ],
    );
  }
});

test("the three lengths of a server's frame", () => {
  assert.equal(encodeWebSocketFrame(2, Buffer.alloc(125)).subarray(0, 2).toString("hex"), "827d");
  assert.equal(encodeWebSocketFrame(2, Buffer.alloc(256)).subarray(0, 4).toString("hex"), "827e0100");
  assert.equal(encodeWebSocketFrame(2, Buffer.alloc(65536)).subarray(0, 10).toString("hex"), "827f0000000000010000");
});

test("a breach of the protocol has its code", () => {
  const code = (hex: string): number | undefined => {
    try {
      new WebSocketDecoder().push(Buffer.from(hex, "hex"));
      return undefined;
    } catch (error) {
      return (error as { code: number }).code;
    }
  };
  assert.equal(code("810548656c6c6f"), 1002, "not masked");
  assert.equal(code(`f1${HELLO.subarray(1).toString("hex")}`), 1002, "reserved bits");
  assert.equal(code("82ff7fffffffffffffff00000000"), 1009, "too long");
});
