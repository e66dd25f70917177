import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { it } from "node:test";
import type { Asker } from "../../support/api-asker.ts";
import { encodeFrame, MULTIPLEXED, RAW } from "../../../src/wire/frames.ts";

/** A request that asks to upgrade; what came, when the engine closed the stream. */
async function upgraded(
  api: Asker,
  method: string,
  path: string,
  options: { upgrade: string; headers?: http.OutgoingHttpHeaders; body?: string; say?: string | Buffer },
): Promise<{ response: IncomingMessage; bytes: Buffer }> {
  const request = http.request({
    socketPath: api.engine.socket,
    path: `/v1.${api.minor}${path}`,
    method,
    agent: false,
    headers: { Connection: "Upgrade", Upgrade: options.upgrade, ...options.headers },
  });
  request.end(options.body);
  const [response, socket, head] = (await once(request, "upgrade")) as [IncomingMessage, Duplex, Buffer];
  const chunks = [head];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (options.say !== undefined) socket.end(options.say);
  await once(socket, "close");
  return { response, bytes: Buffer.concat(chunks) };
}

/** A client's web socket frame: masked. */
function webSocketFrame(opcode: number, text: string): Buffer {
  const mask = randomBytes(4);
  const payload = Buffer.from(text).map((byte, at) => byte ^ (mask[at & 3] as number));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, payload]);
}

/** Connections that are taken over. */
export function streamOperations(api: Asker): void {
  const started = async (name: string, script: string): Promise<string> => {
    const id = await api.create(name, { Cmd: ["sh", "-c", script], OpenStdin: true, StdinOnce: true });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    return id;
  };
  const streams = "stream=1&stdin=1&stdout=1&stderr=1";

  it("attach: 101 and frames in both versions of the media type", async () => {
    const id = await started("attached", "read line; echo got $line; echo bad >&2");
    const path = `/containers/${id}/attach?${streams}`;
    const { response, bytes } = await upgraded(api, "POST", path, { upgrade: "tcp", say: "hello\n" });
    assert.equal(response.headers["content-type"], api.minor >= 42 ? MULTIPLEXED : RAW);
    assert.equal(response.headers["upgrade"], "tcp");
    api.check("POST", "/containers/{id}/attach", { status: 101, headers: response.headers, text: "" });
    const frames = [encodeFrame(1, Buffer.from("got hello\n")), encodeFrame(2, Buffer.from("bad\n"))];
    assert.deepEqual([bytes.subarray(0, frames[0]?.length), bytes.subarray(frames[0]?.length)], frames);
    await api.gone(id);
  });

  it("attach by web socket: binary frames, text before 1.28", async () => {
    const id = await started("socketed", "read line; echo got $line");
    const key = randomBytes(16).toString("base64");
    const { response, bytes } = await upgraded(api, "GET", `/containers/${id}/attach/ws?${streams}`, {
      upgrade: "websocket",
      headers: { "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13" },
      say: Buffer.concat([webSocketFrame(9, "are you there"), webSocketFrame(2, "hello\n")]),
    });
    const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    api.check("GET", "/containers/{id}/attach/ws", { status: 101, headers: response.headers, text: "" });
    assert.equal(
      response.headers["sec-websocket-accept"],
      createHash("sha1")
        .update(key + guid)
        .digest("base64"),
    );
    const opcode = api.minor >= 28 ? 2 : 1;
    const pong = Buffer.concat([Buffer.from([0x8a, 13]), Buffer.from("are you there")]);
    const output = Buffer.concat([Buffer.from([0x80 | opcode, 10]), Buffer.from("got hello\n")]);
    const close = Buffer.from([0x88, 2, 1000 >> 8, 1000 & 0xff]);
    assert.deepEqual(bytes, Buffer.concat([pong, output, close]));
    await api.ask(404, "GET", "/containers/{id}/attach/ws", { id: "nosuch" });
    await api.ask(400, "GET", "/containers/{id}/attach/ws", { id });
    await api.gone(id);
  });
}

/** Processes in containers. */
export function execOperations(api: Asker): void {
  it("exec", async () => {
    const id = await api.create("host", { Cmd: ["sleep", "100"] });
    await api.ask(409, "POST", "/containers/{id}/exec", { id }, { Cmd: ["true"] });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    const made = await api.ask<{ Id: string }>(
      201,
      "POST",
      "/containers/{id}/exec",
      { id },
      { Cmd: ["sh", "-c", "exit 3"] },
    );
    await api.ask(200, "GET", "/exec/{id}/json", { id: made.Id });
    await api.ask(200, "POST", "/exec/{id}/start", { id: made.Id }, { Detach: true });
    await api.ask(409, "POST", "/exec/{id}/start", { id: made.Id }, { Detach: true });
    await api.ask(404, "GET", "/exec/{id}/json", { id: "nosuch" });
    await api.ask(404, "POST", "/exec/{id}/start", { id: "nosuch" }, { Detach: true });
    await api.ask(404, "POST", "/exec/{id}/resize", { id: "nosuch", h: "1", w: "1" });
    const tty = await api.create("tty", { Cmd: ["sleep", "100"], Tty: true });
    await api.ask(204, "POST", "/containers/{id}/start", { id: tty });
    await api.ask(200, "POST", "/containers/{id}/resize", { id: tty, h: "30", w: "100" });
    await api.ask(404, "POST", "/containers/{id}/resize", { id: "nosuch", h: "30", w: "100" });
    const sized = await api.ask<{ Id: string }>(
      201,
      "POST",
      "/containers/{id}/exec",
      { id: tty },
      {
        Cmd: ["sleep", "100"],
        Tty: true,
      },
    );
    await api.ask(200, "POST", "/exec/{id}/start", { id: sized.Id }, { Detach: true, Tty: true });
    await api.ask(200, "POST", "/exec/{id}/resize", { id: sized.Id, h: "30", w: "100" });
    await api.ask(400, "POST", "/exec/{id}/resize", { id: sized.Id, h: "wide", w: "100" });
    await api.gone(tty);
    await api.gone(id);
  });

  it("an exec's output, upgraded and not", async () => {
    const id = await api.create("talker", { Cmd: ["sleep", "100"] });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    const make = async (): Promise<string> => {
      const config = { Cmd: ["echo", "hello"], AttachStdout: true };
      return (await api.ask<{ Id: string }>(201, "POST", "/containers/{id}/exec", { id }, config)).Id;
    };
    const frame = encodeFrame(1, Buffer.from("hello\n"));
    const { response, bytes } = await upgraded(api, "POST", `/exec/${await make()}/start`, {
      upgrade: "tcp",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    assert.equal(response.headers["content-type"], api.minor >= 42 ? MULTIPLEXED : RAW);
    assert.deepEqual(bytes, frame);
    const plain = await api.engine.get(`/v1.${api.minor}/exec/${await make()}/start`, "POST", {});
    assert.equal(plain.status, 200);
    assert.deepEqual(Buffer.from(plain.text), frame);
    await api.gone(id);
  });
}
