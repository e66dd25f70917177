import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogSubject } from "../../../../src/base/logging/subject.ts";
import { packMessage } from "../../../../src/drivers/log-shippers/fluentd.ts";
import { chunksOf, encodeGelf } from "../../../../src/drivers/log-shippers/gelf.ts";
import { messageFields, subjectFields } from "../../../../src/drivers/log-shippers/journald.ts";
import { pack, type Packable, unpackWords } from "../../../../src/drivers/log-shippers/msgpack.ts";
import { formatSyslog, type SyslogShape } from "../../../../src/drivers/log-shippers/syslog-format.ts";
import type { LogMessage } from "../../../../src/ports/log-shipper.ts";

const MESSAGE: LogMessage = {
  stream: "stdout",
  time: "2026-01-02T03:04:05.123456789Z",
  line: Buffer.from("hello"),
};
const SUBJECT: LogSubject = {
  containerId: "0123456789abcdef".repeat(4),
  containerName: "web",
  imageId: "sha256:abc",
  imageName: "nginx",
  created: "2026-01-01T00:00:00Z",
  command: "nginx -g",
  tag: "t",
  attributes: { "my.label": "v" },
};

describe("syslog's formats", () => {
  const zone = process.env["TZ"];
  const shaped = (shape: Partial<SyslogShape>, message: Partial<LogMessage> = {}): string => {
    process.env["TZ"] = "UTC";
    try {
      const whole = { format: "", facility: 3, tag: "web", hostname: "host", pid: 7, counted: false, ...shape };
      return formatSyslog({ ...MESSAGE, ...message }, whole).toString("latin1");
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  };

  it("are the old one, RFC 3164, and RFC 5424 with and without microseconds", () => {
    assert.equal(shaped({}), "<30>Jan  2 03:04:05 web[7]: hello\n");
    assert.equal(shaped({ format: "rfc3164" }), "<30>Jan  2 03:04:05 host web[7]: hello\n");
    assert.equal(shaped({ format: "rfc5424" }), "<30>1 2026-01-02T03:04:05Z host web 7 web - hello\n");
    assert.equal(shaped({ format: "rfc5424micro" }), "<30>1 2026-01-02T03:04:05.123456Z host web 7 web - hello\n");
  });

  it("tell errors from the rest, and keep bytes", () => {
    assert.match(shaped({ facility: 16 }, { stream: "stderr" }), /^<131>/);
    assert.ok(shaped({}, { line: Buffer.from([0xff, 0, 0x80]) }).endsWith("]: \xff\0\x80\n"));
  });

  it("are counted over TLS", () => {
    assert.match(shaped({ format: "rfc5424", counted: true }), /^50 <30>1 /);
  });
});

describe("journald's fields", () => {
  it("are those of the container and the message", () => {
    const text = Buffer.concat([...messageFields(MESSAGE), ...subjectFields(SUBJECT)]).toString();
    assert.deepEqual(text.trim().split("\n"), [
      "MESSAGE=hello",
      "PRIORITY=6",
      `SYSLOG_TIMESTAMP=${MESSAGE.time}`,
      "CONTAINER_ID=0123456789ab",
      `CONTAINER_ID_FULL=${SUBJECT.containerId}`,
      "CONTAINER_NAME=web",
      "CONTAINER_TAG=t",
      "IMAGE_NAME=nginx",
      "SYSLOG_IDENTIFIER=t",
      "MY_LABEL=v",
    ]);
  });

  it("go by their length where they have newlines", () => {
    const [field] = subjectFields({ ...SUBJECT, containerName: "a\nb" }).slice(2);
    assert.equal(field?.toString("latin1"), "CONTAINER_NAME\n\x03\0\0\0\0\0\0\0a\nb\n");
  });
});

describe("MessagePack", () => {
  it("is written in the shortest form for strings, lists and maps", () => {
    const hex = (value: Packable): string => pack(value).toString("hex").slice(0, 12);
    assert.equal(hex(5), "05");
    assert.equal(hex(1_767_323_045), "ce695735a5");
    assert.equal(hex("ab"), "a26162");
    assert.equal(hex("x".repeat(32)), "d92078787878");
    assert.equal(hex("x".repeat(256)), "da0100787878");
    assert.equal(hex("x".repeat(65_536)), "db0001000078");
    assert.equal(hex(["a", 1]), "92a16101");
    assert.equal(hex(new Map([["a", "b"]])), "81a161a162");
    assert.equal(pack({ seconds: 1, nanoseconds: 2 }).toString("hex"), "d7000000000100000002");
  });

  it("is read as far as it is there", () => {
    const bytes = pack(new Map([["ack", "x".repeat(40)]]));
    for (let n = 0; n < bytes.length; n++) assert.equal(unpackWords(bytes.subarray(0, n)), undefined);
    const found = unpackWords(Buffer.concat([bytes, Buffer.from("rest")]));
    assert.equal(found?.words.get("ack"), "x".repeat(40));
    assert.equal(found?.length, bytes.length);
    assert.throws(() => unpackWords(Buffer.from("HTTP/1.1 400")));
  });

  it("carries fluentd's entries", () => {
    const bytes = packMessage(MESSAGE, SUBJECT, { exact: false, chunk: "c" });
    assert.equal(bytes[0], 0x94);
    for (const word of ["container_name", "/web", "my.label", "source", "stdout", "hello", "chunk"]) {
      assert.ok(bytes.includes(word), word);
    }
  });
});

describe("GELF", () => {
  it("is JSON with Docker's fields", () => {
    assert.deepEqual(JSON.parse(encodeGelf(MESSAGE, SUBJECT, "host").toString()), {
      version: "1.1",
      host: "host",
      short_message: "hello",
      timestamp: 1_767_323_045.123,
      level: 6,
      _command: "nginx -g",
      _container_id: SUBJECT.containerId,
      _container_name: "web",
      _created: SUBJECT.created,
      _image_id: "sha256:abc",
      _image_name: "nginx",
      _tag: "t",
      "_my.label": "v",
    });
  });

  it("goes in chunks that can be put together again", () => {
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251));
    const chunks = chunksOf(bytes, () => "0011223344556677ff");
    assert.equal(chunks.length, 4);
    for (const [index, chunk] of chunks.entries()) {
      assert.ok(chunk.length <= 1420);
      assert.equal(chunk.toString("hex", 0, 12), `1e0f0011223344556677${index.toString(16).padStart(2, "0")}04`);
    }
    assert.deepEqual(Buffer.concat(chunks.map((chunk) => chunk.subarray(12))), bytes);
    assert.deepEqual(
      chunksOf(Buffer.alloc(200_000), () => ""),
      [],
    );
  });
});
