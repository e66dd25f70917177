import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { FrameDecoder, MULTIPLEXED, RAW } from "../../src/wire/frames.ts";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** A connection that sends what a client would send, byte for byte, and keeps what comes back. */
class Wire {
  private readonly socket: net.Socket;
  private received = Buffer.alloc(0);
  ended = false;

  constructor() {
    this.socket = net.connect({ path: engine.socket, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("error", () => {
      this.ended = true;
    });
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Closes the sending half alone. */
  endInput(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  private get cut(): number {
    return this.received.indexOf("\r\n\r\n");
  }

  async head(): Promise<{ status: string; headers: Map<string, string> }> {
    await until(() => this.cut >= 0, { what: "the answer's head" });
    const [status = "", ...lines] = this.received.subarray(0, this.cut).toString().split("\r\n");
    const pair = (line: string): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    };
    return { status, headers: new Map(lines.map(pair)) };
  }

  body(): Buffer {
    return this.received.subarray(this.cut + 4);
  }

  /** The content of each stream; throws unless all bytes are frames. */
  frames(): { stdout: string; stderr: string } {
    const streams = ["", "", "", ""];
    const decoder = new FrameDecoder();
    for (const { stream, data } of decoder.push(this.body())) streams[stream] += data.toString();
    return { stdout: streams[1] as string, stderr: streams[2] as string };
  }

  async end(): Promise<void> {
    await until(() => this.ended, { what: "the end of the stream" });
  }
}

const request = (path: string, options: { upgrade: boolean; body?: string }): string =>
  [
    `POST ${path} HTTP/1.1`,
    "Host: docker",
    ...(options.upgrade ? ["Connection: Upgrade", "Upgrade: tcp"] : []),
    ...(options.body === undefined ? [] : ["Content-Type: application/json"]),
    `Content-Length: ${Buffer.byteLength(options.body ?? "")}`,
    "",
    options.body ?? "",
  ].join("\r\n");

const create = async (...args: string[]): Promise<string> => engine.ok("create", ...args);
const start = async (id: string): Promise<void> => {
  assert.equal((await engine.get(`/containers/${id}/start`, "POST")).status, 204);
};
const ALL = "stream=1&stdin=1&stdout=1&stderr=1";

describe("attach", () => {
  for (const upgrade of [true, false]) {
    const way = upgrade ? "with an upgrade: 101" : "without one: 200";
    it(`takes the connection over ${way}, with frames, and outlives the end of stdin`, async () => {
      const id = await create("-i", "busybox", "sh", "-c", "cat; echo err >&2; echo after the end");
      const wire = new Wire();
      wire.write(request(`/v1.51/containers/${id}/attach?${ALL}`, { upgrade }));
      const { status, headers } = await wire.head();
      assert.equal(status, upgrade ? "HTTP/1.1 101 UPGRADED" : "HTTP/1.1 200 OK");
      assert.equal(headers.get("content-type"), MULTIPLEXED);
      assert.equal(headers.get("upgrade"), upgrade ? "tcp" : undefined);
      await start(id);
      wire.write("typed\n");
      await until(() => wire.frames().stdout === "typed\n", { what: "what was typed to come back" });
      wire.endInput();
      await wire.end();
      assert.deepEqual(wire.frames(), { stdout: "typed\nafter the end\n", stderr: "err\n" });
      await engine.ok("rm", id);
    });
  }

  it("takes input that came in one packet with the request", async () => {
    const id = await create("-i", "busybox", "cat");
    const wire = new Wire();
    wire.write(`${request(`/containers/${id}/attach?${ALL}`, { upgrade: true })}early\n`);
    wire.endInput();
    await wire.head();
    await start(id);
    await wire.end();
    assert.equal(wire.frames().stdout, "early\n");
    await engine.ok("rm", id);
  });

  it("is raw for a container with a terminal, and says so", async () => {
    const id = await create("-it", "busybox", "sh", "-c", "echo out; echo err >&2; read line; echo got $line");
    const wire = new Wire();
    wire.write(request(`/v1.51/containers/${id}/attach?${ALL}`, { upgrade: true }));
    assert.equal((await wire.head()).headers.get("content-type"), RAW);
    await start(id);
    await until(() => wire.body().toString() === "out\r\nerr\r\n", { what: "the output" });
    wire.write("word\n");
    await wire.end();
    assert.equal(wire.body().toString(), "out\r\nerr\r\nword\r\ngot word\r\n");
    await engine.ok("rm", id);
  });

  it("calls frames a raw stream to clients before 1.42, as Docker did", async () => {
    const id = await create("busybox", "echo", "hello");
    const wire = new Wire();
    wire.write(request(`/v1.41/containers/${id}/attach?${ALL}`, { upgrade: true }));
    assert.equal((await wire.head()).headers.get("content-type"), RAW);
    await start(id);
    await wire.end();
    assert.equal(wire.frames().stdout, "hello\n");
    await engine.ok("rm", id);
  });

  it("gives only the streams that were asked for, and the log first", async () => {
    const id = await engine.ok("run", "-d", "busybox", "sh", "-c", "echo out; echo err >&2; sleep 100");
    await until(async () => (await engine.docker("logs", id)).stderr === "err\n", { what: "the log" });
    const wire = new Wire();
    wire.write(request(`/containers/${id}/attach?logs=1&stderr=1`, { upgrade: true }));
    await wire.end();
    assert.deepEqual(wire.frames(), { stdout: "", stderr: "err\n" });
    await engine.ok("rm", "-f", id);
  });

  it("answers errors as JSON, in place of a stream", async () => {
    for (const upgrade of [true, false]) {
      const wire = new Wire();
      wire.write(request(`/containers/nosuch/attach?${ALL}`, { upgrade }));
      const { status, headers } = await wire.head();
      assert.equal(status, "HTTP/1.1 404 Not Found");
      assert.equal(headers.get("content-type"), "application/json");
      await until(() => wire.body().length >= Number(headers.get("content-length")), { what: "the body" });
      assert.match(wire.body().toString(), /^\{"message":"No such container: nosuch"/);
      wire.close();
    }
  });

  it("leaves the container running when the client goes", async () => {
    const id = await engine.ok("run", "-di", "busybox", "cat");
    const wire = new Wire();
    wire.write(request(`/containers/${id}/attach?${ALL}`, { upgrade: true }));
    await wire.head();
    wire.close();
    const second = new Wire();
    second.write(request(`/containers/${id}/attach?${ALL}`, { upgrade: true }));
    await second.head();
    second.write("again\n");
    await until(() => second.frames().stdout === "again\n", { what: "the second client's word" });
    second.close();
    await engine.ok("rm", "-f", id);
  });
});

describe("exec start", () => {
  let id = "";
  before(async () => {
    id = await engine.ok("run", "-d", "busybox", "sleep", "1000");
  });
  const prepare = async (config: object): Promise<string> => {
    const answer = await engine.get(`/containers/${id}/exec`, "POST", config);
    return (JSON.parse(answer.text) as { Id: string }).Id;
  };
  const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };

  for (const upgrade of [true, false]) {
    it(`takes its JSON body and then the connection, ${upgrade ? "with" : "without"} an upgrade`, async () => {
      const exec = await prepare({ ...streams, Cmd: ["sh", "-c", "cat; echo err >&2; exit 5"] });
      const wire = new Wire();
      wire.write(request(`/v1.51/exec/${exec}/start`, { upgrade, body: '{"Detach":false,"Tty":false}' }));
      const { status, headers } = await wire.head();
      assert.equal(status, upgrade ? "HTTP/1.1 101 UPGRADED" : "HTTP/1.1 200 OK");
      assert.equal(headers.get("content-type"), MULTIPLEXED);
      wire.write("typed");
      wire.endInput();
      await wire.end();
      assert.deepEqual(wire.frames(), { stdout: "typed", stderr: "err\n" });
      const inspect = JSON.parse((await engine.get(`/exec/${exec}/json`)).text) as {
        ExitCode: number;
        Running: boolean;
      };
      assert.deepEqual([inspect.ExitCode, inspect.Running], [5, false]);
    });
  }

  it("takes a body that comes in pieces, and input right behind it", async () => {
    const exec = await prepare({ ...streams, Cmd: ["cat"] });
    const whole = `${request(`/exec/${exec}/start`, { upgrade: true, body: '{"Detach":false,"Tty":false}' })}tail`;
    const wire = new Wire();
    wire.write(whole.slice(0, -10));
    await new Promise(setImmediate);
    wire.write(whole.slice(-10));
    wire.endInput();
    await wire.end();
    assert.equal(wire.frames().stdout, "tail");
  });

  it("is raw with a terminal of the size that was asked for", async () => {
    // The runtime sets the size in the moment that the process starts: who asks at once may be too early.
    const ask = "until stty size 2>/dev/null; do sleep 0.02; done";
    const exec = await prepare({ ...streams, Tty: true, Cmd: ["timeout", "5", "sh", "-c", ask] });
    const wire = new Wire();
    const body = '{"Detach":false,"Tty":true,"ConsoleSize":[33,99]}';
    wire.write(request(`/v1.51/exec/${exec}/start`, { upgrade: true, body }));
    assert.equal((await wire.head()).headers.get("content-type"), RAW);
    await wire.end();
    assert.equal(wire.body().toString(), "33 99\r\n");
  });

  it("answers a second start with a conflict", async () => {
    const exec = await prepare({ ...streams, Cmd: ["true"] });
    const first = new Wire();
    first.write(request(`/exec/${exec}/start`, { upgrade: true, body: "{}" }));
    await first.end();
    const second = new Wire();
    second.write(request(`/exec/${exec}/start`, { upgrade: true, body: "{}" }));
    assert.equal((await second.head()).status, "HTTP/1.1 409 Conflict");
    second.close();
  });
});

describe("versions and unknown paths", () => {
  for (const version of ["v1.24", "v1.43", "v1.51"]) {
    it(`${version} is spoken`, async () => {
      const answer = await engine.get(`/${version}/containers/json?all=1`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["api-version"], "1.51");
    });
  }

  it("newer and older ones are refused in Docker's words", async () => {
    const said = async (version: string): Promise<[number, string]> => {
      const answer = await engine.get(`/${version}/info`);
      return [answer.status, (JSON.parse(answer.text) as { message: string }).message];
    };
    assert.deepEqual(await said("v1.52"), [
      400,
      "client version 1.52 is too new. Maximum supported API version is 1.51",
    ]);
    assert.deepEqual(await said("v2.0"), [400, "client version 2.0 is too new. Maximum supported API version is 1.51"]);
    assert.deepEqual(await said("v1.23"), [
      400,
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ]);
  });

  it("an unknown path or method is a page that is not found", async () => {
    for (const [method, path] of [
      ["GET", "/nosuch"],
      ["GET", "/v1.51/nosuch"],
      ["PUT", "/v1.51/info"],
      ["GET", "/v1.51/images/busybox/nosuch"],
      ["GET", "/v1.x/info"],
    ] as const) {
      const answer = await engine.get(path, method);
      assert.equal(answer.status, 404);
      assert.equal((JSON.parse(answer.text) as { message: string }).message, "page not found");
    }
  });

  it("a body that is no JSON, too large or of another type is refused", async () => {
    const wire = new Wire();
    wire.write(request("/containers/create", { upgrade: false, body: "{nonsense" }));
    assert.equal((await wire.head()).status, "HTTP/1.1 400 Bad Request");
    wire.close();
    const tar = await engine.get("/containers/create", "POST", Buffer.from("x"));
    assert.equal(tar.status, 400);
    assert.match(tar.text, /unsupported Content-Type header \(application\/x-tar\): must be 'application\/json'/);
    const large = await engine.get("/volumes/create", "POST", { Name: "x".repeat(5 << 20) });
    assert.equal(large.status, 400);
  });
});
