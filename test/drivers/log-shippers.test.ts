import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import tls from "node:tls";
import zlib from "node:zlib";
import type { LogSubject } from "../../src/base/logging/subject.ts";
import { RandomIds } from "../../src/drivers/host/random-ids.ts";
import { HostLogShippers } from "../../src/drivers/log-shippers/shippers.ts";
import type { LogMessage } from "../../src/ports/log-shipper.ts";
import { run } from "../support/engine.ts";
import { ForwardReceiver, LogReceiver } from "../support/log-receivers.ts";
import { until } from "../support/until.ts";

const SUBJECT: LogSubject = {
  containerId: "0123456789abcdef".repeat(4),
  containerName: "web",
  imageId: "sha256:abc",
  imageName: "nginx:1",
  created: "2026-01-01T00:00:00Z",
  command: "nginx -g",
  tag: "web-tag",
  attributes: { "my.label": "v" },
};
const message = (line: string | Buffer, more: Partial<LogMessage> = {}): LogMessage => ({
  stream: "stdout",
  time: "2026-01-02T03:04:05.123456789Z",
  line: Buffer.from(line),
  ...more,
});
const shippers = new HostLogShippers({ ids: new RandomIds(), hostname: "host" });

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-shippers-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function send(driver: string, options: Record<string, string>, messages: LogMessage[]): Promise<void> {
  const sender = await shippers.connect(driver, options, SUBJECT);
  await sender.send(messages);
  sender.close();
}

async function stopped(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("syslog, with rsyslog", () => {
  let rsyslog: ChildProcess | undefined;
  let port = 0;
  const file = (): string => path.join(folder, "received");
  const socket = (): string => path.join(folder, "log.sock");
  const received = (): string => (fs.existsSync(file()) ? fs.readFileSync(file(), "latin1") : "");

  before(async () => {
    port = await freePort();
    const config = path.join(folder, "rsyslog.conf");
    fs.writeFileSync(
      config,
      [
        `global(workDirectory="${folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")`,
        'module(load="imuxsock" SysSock.Use="off")',
        `input(type="imuxsock" Socket="${socket()}" UseSysTimeStamp="off")`,
        'module(load="imudp")',
        `input(type="imudp" address="127.0.0.1" port="${port}")`,
        'module(load="imtcp")',
        `input(type="imtcp" address="127.0.0.1" port="${port}")`,
        'template(name="all" type="string" string="%pri% %hostname% %app-name% %syslogtag% %procid% |%timereported:::date-rfc3339%|%msg%|\\n")',
        `action(type="omfile" file="${file()}" template="all" asyncWriting="off" flushOnTXEnd="on")`,
      ].join("\n"),
    );
    const pid = path.join(folder, "rsyslog.pid");
    rsyslog = spawn("rsyslogd", ["-n", "-f", config, "-i", pid], { stdio: "ignore" });
    await until(() => fs.existsSync(socket()), { what: "rsyslog's socket" });
    const tcp = async (): Promise<boolean> => {
      const probe = net.connect(port, "127.0.0.1");
      const open = await once(probe, "connect").then(
        () => true,
        () => false,
      );
      probe.destroy();
      return open;
    };
    await until(tcp, { what: "rsyslog's port" });
  });
  after(() => stopped(rsyslog));

  for (const [name, formats, address] of [
    ["TCP", ["rfc3164", "rfc5424", "rfc5424micro"], () => `tcp://127.0.0.1:${port}`],
    ["UDP", ["rfc3164", "rfc5424", "rfc5424micro"], () => `udp://127.0.0.1:${port}`],
    ["a unix datagram socket", [""], () => `unixgram://${socket()}`],
  ] as const) {
    for (const format of formats) {
      it(`arrives over ${name} in ${format || "the usual format"}`, async () => {
        const id = `${name.replaceAll(" ", "-")}-${format}`;
        await send("syslog", { "syslog-address": address(), "syslog-format": format, "syslog-facility": "local1" }, [
          message(`${id} one`),
          message(""),
          message(`${id} two`, { stream: "stderr" }),
        ]);
        await until(() => received().includes(`${id} two`), { what: "the messages" });
        const lines = received()
          .split("\n")
          .filter((line) => line.includes(id));
        assert.equal(lines.length, 2, received());
        const pid = format === "rfc3164" || format === "" ? `web-tag\\[${process.pid}\\]:` : "web-tag";
        assert.match(lines[0] ?? "", new RegExp(`^142 \\S+ web-tag ${pid}\\S* ${process.pid} .*${id} one\\|$`));
        assert.match(lines[1] ?? "", /^139 /);
        const time = /\|([^|]*)\|/.exec(lines[0] ?? "")?.[1] ?? "";
        if (format === "rfc5424micro") {
          assert.equal(Date.parse(time), Date.parse("2026-01-02T03:04:05.123Z"));
        } else if (format === "rfc5424") {
          assert.equal(Date.parse(time), Date.parse("2026-01-02T03:04:05Z"));
        }
      });
    }
  }

  it("keeps lines of 16 KiB whole", async () => {
    const line = "L".repeat(16 * 1024);
    await send("syslog", { "syslog-address": `tcp://127.0.0.1:${port}` }, [message(line)]);
    await until(() => received().includes(line), { what: "the long line" });
  });
});

describe("syslog elsewhere", () => {
  it("goes to a unix stream socket", async () => {
    const file = path.join(folder, "stream.sock");
    const chunks: Buffer[] = [];
    const server = net.createServer((socket) => socket.on("data", (chunk) => chunks.push(chunk))).listen(file);
    await once(server, "listening");
    try {
      await send("syslog", { "syslog-address": `unix://${file}` }, [message("over a stream")]);
      await until(() => Buffer.concat(chunks).toString().endsWith(`web-tag[${process.pid}]: over a stream\n`), {
        what: "the message",
      });
    } finally {
      server.close();
    }
  });

  it("goes over TLS, counted, to a receiver that shows a certificate of the given CA", async () => {
    const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const made = await run("openssl", [...request, ...names, "-keyout", key, "-out", cert]);
    assert.equal(made.code, 0, made.stderr);
    const chunks: Buffer[] = [];
    const server = tls.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (socket) =>
      socket.on("data", (chunk: Buffer) => chunks.push(chunk)),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    const options = { "syslog-address": `tcp+tls://localhost:${port}`, "syslog-format": "rfc5424" };
    try {
      await assert.rejects(send("syslog", options, [message("no")]), /dial tcp .*self-signed certificate/);
      await send("syslog", { ...options, "syslog-tls-ca-cert": cert }, [message("secret")]);
      await send("syslog", { ...options, "syslog-tls-skip-verify": "true" }, [message("unchecked")]);
      await until(() => Buffer.concat(chunks).includes("unchecked"), { what: "the messages" });
      const text = Buffer.concat(chunks).toString();
      const [, length = "", rest = ""] = /^(\d+) ([^]*)/.exec(text) ?? [];
      assert.match(rest.slice(0, Number(length)), /^<30>1 .* host web-tag \d+ web-tag - secret\n$/);
      await assert.rejects(send("syslog", { ...options, "syslog-tls-ca-cert": "/nope" }, []), {
        message: 'could not read CA certificate "/nope": open /nope: no such file or directory',
      });
    } finally {
      server.close();
    }
  });

  it("says in Docker's words when there is nobody", async () => {
    const port = await freePort();
    const refused = (address: string): Promise<void> => send("syslog", { "syslog-address": address }, []);
    await assert.rejects(refused(`tcp://127.0.0.1:${port}`), {
      code: "LOG_UNREACHABLE",
      message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
    await assert.rejects(refused("unix:///nope"), { message: "dial unix /nope: connect: no such file or directory" });
    await assert.rejects(refused("unixgram:///nope"), {
      message: "dial unixgram /nope: connect: no such file or directory",
    });
    await assert.rejects(refused("tcp://nosuch.invalid:1"), /^GantryError: dial tcp: lookup nosuch.invalid: /);
    await assert.rejects(
      new HostLogShippers({ ids: new RandomIds(), hostname: "h", journal: "/nope" }).connect("journald", {}, SUBJECT),
      { message: "journald is not enabled on this host" },
    );
  });

  it("notices a receiver that went away before it sends more", async () => {
    const receiver = new LogReceiver();
    await receiver.up();
    const options = { "syslog-address": `tcp://127.0.0.1:${receiver.port}` };
    const sender = await shippers.connect("syslog", options, SUBJECT);
    await sender.send([message("one")]);
    await until(() => receiver.text.includes("one"), { what: "the message" });
    await receiver.down();
    await until(
      () =>
        sender.send([]).then(
          () => false,
          () => true,
        ),
      { what: "the connection's end" },
    );
    await assert.rejects(sender.send([message("two")]), { code: "LOG_UNREACHABLE" });
    sender.close();
  });
});

const JOURNALD = "/usr/lib/systemd/systemd-journald";

describe("journald", { skip: fs.existsSync(JOURNALD) ? false : `there is no ${JOURNALD}` }, () => {
  let journald: ChildProcess | undefined;
  const root = (): string => `/proc/${journald?.pid}/root`;

  before(async () => {
    const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && exec ${JOURNALD}`;
    journald = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", script], { stdio: "ignore" });
    await until(() => fs.existsSync(`${root()}/run/systemd/journal/kernel-seqnum`), { what: "journald" });
    await until(() => fs.existsSync(`${root()}/run/systemd/journal/socket`), { what: "journald's socket" });
  });
  after(() => stopped(journald));

  const entries = async (): Promise<Record<string, unknown>[]> => {
    const journalctl = ["journalctl", "-o", "json", "--no-pager", "--all", "CONTAINER_NAME=web"];
    const { stdout } = await run("nsenter", ["-t", String(journald?.pid), "-m", ...journalctl]);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it("takes entries with the container's fields, also bytes and long lines", async () => {
    const own = new HostLogShippers({
      ids: new RandomIds(),
      hostname: "h",
      journal: `${root()}/run/systemd/journal/socket`,
    });
    const sender = await own.connect("journald", {}, SUBJECT);
    await sender.send([
      message("plain"),
      message("bad", { stream: "stderr" }),
      message(Buffer.from([0xff, 0x00, 0x80])),
      message("x".repeat(16 * 1024), { partial: { id: "pid", ordinal: 1, last: false } }),
    ]);
    sender.close();
    let found: Record<string, unknown>[] = [];
    await until(async () => (found = await entries()).length === 4, { what: "four entries" });
    const [plain, bad, bytes, long] = found;
    assert.equal(plain?.["MESSAGE"], "plain");
    assert.equal(plain?.["PRIORITY"], "6");
    assert.equal(plain?.["CONTAINER_ID"], "0123456789ab");
    assert.equal(plain?.["CONTAINER_ID_FULL"], SUBJECT.containerId);
    assert.equal(plain?.["CONTAINER_TAG"], "web-tag");
    assert.equal(plain?.["SYSLOG_IDENTIFIER"], "web-tag");
    assert.equal(plain?.["IMAGE_NAME"], "nginx:1");
    assert.equal(plain?.["MY_LABEL"], "v");
    assert.equal(bad?.["PRIORITY"], "3");
    assert.deepEqual(bytes?.["MESSAGE"], [0xff, 0x00, 0x80]);
    assert.equal(String(long?.["MESSAGE"]).length, 16 * 1024);
    assert.equal(long?.["CONTAINER_PARTIAL_MESSAGE"], "true");
    assert.equal(long?.["CONTAINER_PARTIAL_ID"], "pid");
  });

  it("holds back when its queue is full, and loses nothing", async () => {
    const own = new HostLogShippers({
      ids: new RandomIds(),
      hostname: "h",
      journal: `${root()}/run/systemd/journal/socket`,
    });
    journald?.kill("SIGSTOP");
    const sender = await own.connect("journald", {}, { ...SUBJECT, containerName: "many" });
    let sent = false;
    const sending = sender.send(Array.from({ length: 2000 }, (_, n) => message(`line ${n}`))).then(() => (sent = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sent, false);
    journald?.kill("SIGCONT");
    await sending;
    sender.close();
    const listed = ["journalctl", "-o", "cat", "--no-pager", "CONTAINER_NAME=many"];
    await until(
      async () => {
        const { stdout } = await run("nsenter", ["-t", String(journald?.pid), "-m", ...listed]);
        return stdout.split("\n").filter(Boolean).length === 2000;
      },
      { what: "all entries" },
    );
  });
});

describe("fluentd", () => {
  it("takes entries with the container's fields, and their parts", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    try {
      const options = { "fluentd-address": `127.0.0.1:${fluentd.receiver.port}` };
      await send("fluentd", options, [
        message("one"),
        message("two", { stream: "stderr", partial: { id: "p", ordinal: 2, last: true } }),
      ]);
      const exact = { ...options, "fluentd-sub-second-precision": "true", "fluentd-request-ack": "true" };
      await send("fluentd", exact, [message("three")]);
      await until(() => fluentd.entries.length === 3, { what: "three entries" });
      const own = { container_id: SUBJECT.containerId, container_name: "/web", "my.label": "v" };
      const seconds = 1_767_323_045;
      assert.deepEqual(fluentd.entries, [
        { tag: "web-tag", time: seconds, record: { ...own, source: "stdout", log: "one" } },
        {
          tag: "web-tag",
          time: seconds,
          record: {
            ...own,
            ...{ source: "stderr", log: "two", partial_message: "true" },
            ...{ partial_id: "p", partial_ordinal: "2", partial_last: "true" },
          },
        },
        {
          tag: "web-tag",
          time: { type: 0, seconds, nanoseconds: 123_456_789 },
          record: { ...own, source: "stdout", log: "three" },
        },
      ]);
    } finally {
      await fluentd.receiver.down();
    }
  });

  it("counts as sent only what is acknowledged, where that is asked for", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    try {
      fluentd.acknowledges = false;
      const options = { "fluentd-address": `127.0.0.1:${fluentd.receiver.port}`, "fluentd-request-ack": "true" };
      const sender = await shippers.connect("fluentd", options, SUBJECT);
      const sending = sender.send([message("lost")]);
      await until(() => fluentd.receiver.chunks.length > 0 || fluentd.entries.length === 0, { what: "the entry" });
      await fluentd.receiver.down();
      await assert.rejects(sending, { code: "LOG_UNREACHABLE" });
      sender.close();
    } finally {
      await fluentd.receiver.down();
    }
  });

  it("gives up on a receiver that takes too long, if told so", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    try {
      fluentd.acknowledges = false;
      const options = {
        "fluentd-address": `127.0.0.1:${fluentd.receiver.port}`,
        "fluentd-request-ack": "true",
        "fluentd-write-timeout": "50ms",
      };
      const sender = await shippers.connect("fluentd", options, SUBJECT);
      await assert.rejects(sender.send([message("lost")]), { message: "i/o timeout" });
      sender.close();
    } finally {
      await fluentd.receiver.down();
    }
  });
});

describe("GELF", () => {
  it("goes over UDP in all compressions, in chunks where it is long", async () => {
    const socket = dgram.createSocket("udp4");
    const datagrams: Buffer[] = [];
    socket.on("message", (bytes) => datagrams.push(bytes));
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const options = { "gelf-address": `udp://127.0.0.1:${socket.address().port}` };
    const received = async (count: number): Promise<Buffer[]> => {
      await until(() => datagrams.length === count, { what: `${count} datagrams` });
      return datagrams.splice(0);
    };
    const textOf = (bytes: Buffer): string => (JSON.parse(bytes.toString()) as { short_message: string }).short_message;
    try {
      await send("gelf", options, [message("a")]);
      assert.equal(textOf(zlib.gunzipSync((await received(1))[0] as Buffer)), "a");
      await send("gelf", { ...options, "gelf-compression-type": "zlib" }, [message("b")]);
      assert.equal(textOf(zlib.inflateSync((await received(1))[0] as Buffer)), "b");
      await send("gelf", { ...options, "gelf-compression-type": "none" }, [message("c".repeat(4000))]);
      const chunks = await received(4);
      const whole = Buffer.concat(
        chunks.toSorted((a, b) => (a[10] ?? 0) - (b[10] ?? 0)).map((part) => part.subarray(12)),
      );
      assert.equal(textOf(whole), "c".repeat(4000));
    } finally {
      socket.close();
    }
  });

  it("goes over TCP, each message ended by a zero", async () => {
    const receiver = new LogReceiver();
    await receiver.up();
    try {
      await send("gelf", { "gelf-address": `tcp://127.0.0.1:${receiver.port}` }, [message("a"), message("b")]);
      await until(() => receiver.text.split("\0").length === 3, { what: "two messages" });
    } finally {
      await receiver.down();
    }
  });
});
