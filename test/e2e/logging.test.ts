import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { ForwardReceiver, LogReceiver } from "../support/log-receivers.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const inspect = (name: string, format: string): Promise<string> => engine.ok("inspect", "-f", format, name);
const opts = (options: Record<string, string>): string[] =>
  Object.entries(options).flatMap(([key, value]) => ["--log-opt", `${key}=${value}`]);
const LOG = "{{json .HostConfig.LogConfig}}";
const PREFIX = "failed to create task for container: failed to initialize logging driver: ";

describe("log drivers and their options", () => {
  it("are in info, and in inspect as they were given", async () => {
    assert.equal(await engine.ok("info", "-f", "{{.LoggingDriver}}"), "json-file");
    assert.equal(
      await engine.ok("info", "-f", "{{json .Plugins.Log}}"),
      '["fluentd","gelf","journald","json-file","local","syslog"]',
    );
    await engine.ok("create", "--name", "plain", "busybox");
    assert.equal(await inspect("plain", LOG), '{"Type":"json-file","Config":{}}');
    assert.equal(await inspect("plain", "{{.LogPath}}"), "");
    await engine.ok("start", "plain");
    assert.ok(fs.existsSync(await inspect("plain", "{{.LogPath}}")));
    const given = ["--log-driver", "local", ...opts({ "max-size": "1m" })];
    await engine.ok("run", "--name", "local", ...given, "busybox", "true");
    assert.equal(await inspect("local", LOG), '{"Type":"local","Config":{"max-size":"1m"}}');
    assert.equal(await inspect("local", "{{.LogPath}}"), "");
  });

  it("are refused in Docker's words, at create or at the start", async () => {
    const refused = async (args: string[], words: string): Promise<void> => {
      const ran = await engine.docker("run", "--rm", ...args, "busybox", "true");
      assert.ok([125, 127].includes(ran.code)); // the client looks at the words
      assert.ok(ran.stderr.includes(`Error response from daemon: ${words}`), ran.stderr);
    };
    const fluentd = (options: Record<string, string>): string[] => ["--log-driver", "fluentd", ...opts(options)];
    await refused(["--log-driver", "foo"], 'error looking up logging plugin foo: plugin "foo" not found');
    await refused(opts({ x: "1" }), "unknown log opt 'x' for json-file log driver");
    await refused(opts({ "max-file": "0" }), `${PREFIX}max-file cannot be less than 1`);
    await refused(opts({ tag: "{{" }), `${PREFIX}template: log-tag:1: unclosed action`);
    await refused(
      fluentd({ "fluentd-address": "127.0.0.1:1" }),
      `${PREFIX}dial tcp 127.0.0.1:1: connect: connection refused`,
    );
    await refused(
      fluentd({ "fluentd-address": "unix:///nope" }),
      `${PREFIX}dial unix /nope: connect: no such file or directory`,
    );
    const { status, text } = await engine.get("/containers/create", "POST", {
      Image: "busybox",
      HostConfig: { LogConfig: { Type: "json-file", Config: { "max-file": 3 } } },
    });
    assert.equal(status, 400, text);
  });

  it("leave the exit code and the error of a start that failed", async () => {
    const address = opts({ "syslog-address": "tcp://127.0.0.1:1" });
    await engine.docker("run", "--name", "failed", "--log-driver", "syslog", ...address, "busybox", "true");
    assert.equal(
      await inspect("failed", "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"),
      `created 128 ${PREFIX}dial tcp 127.0.0.1:1: connect: connection refused`,
    );
  });

  it("journald is refused where there is none", { skip: fs.existsSync("/run/systemd/journal/socket") }, async () => {
    const ran = await engine.docker("run", "--rm", "--log-driver", "journald", "busybox", "true");
    assert.ok(ran.stderr.includes(`${PREFIX}journald is not enabled on this host`), ran.stderr);
  });

  it("none keeps no log", async () => {
    await engine.ok("run", "--name", "none", "--log-driver", "none", "busybox", "echo", "x");
    const ran = await engine.docker("logs", "none");
    assert.equal(ran.code, 1);
    assert.equal(ran.stderr, "Error response from daemon: configured logging driver does not support reading\n");
  });
});

describe("docker logs", () => {
  it("shows labels, variables and the tag as details", async () => {
    await engine.ok(
      ...["run", "--name", "detailed", "--label", "a=1", "--label", "b=x y=z", "-e", "E1=v,1"],
      ...opts({ labels: "a,b", env: "E1", tag: "{{.ImageName}}/{{.Name}}" }),
      ...["busybox", "echo", "one"],
    );
    const details = "E1=v%2C1,a=1,b=x+y%3Dz,tag=busybox%2Fdetailed";
    assert.equal(await engine.ok("logs", "--details", "detailed"), `${details} one`);
    const stamped = await engine.ok("logs", "--details", "-t", "detailed");
    assert.match(stamped, /^\d{4}-\d\d-\d\dT[\d:.]+Z E1=/);
    assert.equal((await engine.gantry("logs", "--details", "detailed")).stdout, `${details} one\n`);
    await engine.ok("run", "--name", "undetailed", "busybox", "echo", "one");
    assert.equal(await engine.ok("logs", "--details", "undetailed"), " one");
  });

  it("reads rotated and compressed files, and only so many are kept", async () => {
    const script = "i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done; sleep 1000";
    const options = opts({ "max-size": "200k", "max-file": "3", compress: "true" });
    await engine.ok("run", "-d", "--name", "packed", ...options, "busybox", "sh", "-c", script);
    const folder = path.dirname(await inspect("packed", "{{.LogPath}}"));
    const files = (): string[] => fs.readdirSync(folder).filter((name) => name.startsWith("container.log"));
    await until(async () => (await engine.ok("logs", "--tail", "1", "packed")) === "line 39999", {
      what: "the last line",
      timeout: 20_000,
    });
    await until(
      () => /^container\.log,container\.log\.1\.gz(,container\.log\.2\.gz)?$/.test(files().toSorted().join()),
      {
        what: "compressed files",
      },
    );
    const lines = (await engine.ok("logs", "packed")).split("\n");
    assert.ok(lines.length < 40_000 && lines.length > 1000, String(lines.length));
    assert.deepEqual(
      lines,
      Array.from({ length: lines.length }, (_, n) => `line ${40_000 - lines.length + n}`),
    );
    const last = await engine.ok("logs", "--tail", String(lines.length - 5), "packed");
    assert.equal(last, lines.slice(5).join("\n"));
    await engine.ok("rm", "-f", "packed");
  });

  it("follows over rotations without a gap", async () => {
    const script = "i=0; while [ $i -lt 60000 ]; do echo $i; i=$((i+1)); done";
    const options = opts({ "max-size": "300k", "max-file": "30" });
    await engine.ok("create", "--name", "followed", ...options, "busybox", "sh", "-c", script);
    await engine.ok("start", "followed");
    const text = await engine.ok("logs", "-f", "followed");
    const numbers = text.split("\n").map(Number);
    assert.equal(numbers.at(-1), 59_999);
    const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1);
    assert.deepEqual(gaps, []);
  });

  it("joins long lines, keeps bytes, and follows a terminal", async () => {
    const script = "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\0\\377b\\n'; printf end";
    await engine.ok("run", "--name", "long", "busybox", "sh", "-c", script);
    const { stdout } = await engine.docker("logs", "long");
    assert.equal(stdout, `${"x".repeat(100_000)}\na\0\xffb\nend`);
    assert.equal((await engine.docker("logs", "--tail", "2", "long")).stdout, "a\0\xffb\nend");
    await engine.ok("run", "-d", "-t", "--name", "terminal", "busybox", "sh", "-c", "echo one; sleep 0.2; echo two");
    assert.equal((await engine.docker("logs", "-f", "terminal")).stdout, "one\r\ntwo\r\n");
  });

  it("ends when its container is removed, and is refused afterwards", async () => {
    await engine.ok("run", "-d", "--name", "removed", "busybox", "sh", "-c", "echo one; sleep 1000");
    const child = spawn("docker", ["logs", "-f", "removed"], { env: engine.env, stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text === "one\n", { what: "the first line" });
    await engine.ok("rm", "-f", "removed");
    assert.equal(await ended, 0);
    const ran = await engine.docker("logs", "removed");
    assert.equal(ran.stderr, "Error response from daemon: No such container: removed\n");
  });
});

describe("logs that are sent", () => {
  it("arrive at syslog with the tag, and docker logs shows them too", async () => {
    const syslog = new LogReceiver();
    await syslog.up();
    try {
      const address = { "syslog-address": `tcp://127.0.0.1:${syslog.port}` };
      const options = opts({ ...address, "syslog-format": "rfc5424", tag: "{{.ImageName}}/{{.Name}}/{{.ID}}" });
      const script = "echo out; echo err >&2";
      const run = ["run", "--rm", "--name", "sent", "--log-driver", "syslog", ...options];
      await engine.ok(...run, "busybox", "sh", "-c", script);
      // --rm: all was sent before the container was gone
      await until(() => syslog.text.split("\n").length === 3, { what: "both lines" });
      assert.match(syslog.text, /<30>1 \S+ \S+ busybox\/sent\/[0-9a-f]{12} \d+ \S+ - out\n/);
      assert.match(syslog.text, /<27>1 \S+ \S+ busybox\/sent\/[0-9a-f]{12} \d+ \S+ - err\n/);
      await engine.ok("run", "--name", "kept", "--log-driver", "syslog", ...options, "busybox", "echo", "kept");
      assert.equal(await engine.ok("logs", "kept"), "kept");
      assert.equal(await inspect("kept", "{{.LogPath}}"), "");
      const hidden = opts({ ...address, "cache-disabled": "true" });
      await engine.ok("run", "--name", "hidden", "--log-driver", "syslog", ...hidden, "busybox", "echo", "x");
      assert.match((await engine.docker("logs", "hidden")).stderr, /does not support reading/);
      await until(() => syslog.text.endsWith(": x\n"), { what: "the hidden line" });
    } finally {
      await syslog.down();
    }
  });

  it("arrive at fluentd, long lines in numbered parts", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    try {
      const options = opts({
        "fluentd-address": `127.0.0.1:${fluentd.receiver.port}`,
        "fluentd-request-ack": "true",
        labels: "app",
        tag: "docker.{{.Name}}",
      });
      const script = "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end";
      const run = ["run", "--name", "forwarded", "--label", "app=shop", "--log-driver", "fluentd", ...options];
      await engine.ok(...run, "busybox", "sh", "-c", script);
      await until(() => fluentd.entries.some(({ record }) => record["log"] === "end"), { what: "the last line" });
      const parts = fluentd.entries.filter(({ record }) => record["partial_message"]);
      assert.equal(parts.map(({ record }) => record["log"]).join(""), "x".repeat(40_000));
      assert.deepEqual(
        parts.map(({ record }) => record["partial_ordinal"]),
        parts.map((_, index) => String(index + 1)),
      );
      assert.equal(new Set(parts.map(({ record }) => record["partial_id"])).size, 1);
      assert.equal(parts.at(-1)?.record["partial_last"], "true");
      assert.ok(parts.every(({ record }) => (record["log"] ?? "").length <= 16 * 1024));
      const end = fluentd.entries.at(-1);
      assert.equal(end?.tag, "docker.forwarded");
      assert.equal(end?.record["app"], "shop");
      assert.equal(end?.record["container_name"], "/forwarded");
    } finally {
      await fluentd.receiver.down();
    }
  });

  it("of each run of a container arrive, with the name it had", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    try {
      const address = { "fluentd-address": `127.0.0.1:${fluentd.receiver.port}`, tag: "{{.Name}}" };
      const run = ["run", "-d", "--name", "first", "--log-driver", "fluentd", ...opts(address)];
      await engine.ok(...run, "--restart", "on-failure:2", "busybox", "sh", "-c", "printf run; exit 1");
      await until(() => fluentd.entries.length === 3, { what: "three runs" });
      await until(async () => (await inspect("first", "{{.State.Status}}")) === "exited", { what: "the last end" });
      await engine.ok("rename", "first", "second");
      await engine.docker("start", "second");
      await until(() => fluentd.entries.length >= 4, { what: "one more run" });
      assert.deepEqual(
        fluentd.entries.slice(0, 4).map(({ tag, record }) => `${tag} ${record["log"]}`),
        ["first run", "first run", "first run", "second run"],
      );
      await engine.ok("rm", "-f", "second");
    } finally {
      await fluentd.receiver.down();
    }
  });

  it("start without a receiver where that is asked for", async () => {
    const fluentd = new ForwardReceiver();
    await fluentd.receiver.up();
    await fluentd.receiver.down();
    const address = { "fluentd-address": `127.0.0.1:${fluentd.receiver.port}` };
    const options = opts({ ...address, "fluentd-async": "true", "fluentd-request-ack": "true" });
    await engine.ok("run", "--name", "async", "--log-driver", "fluentd", ...options, "busybox", "echo", "late");
    await fluentd.receiver.up();
    try {
      await until(() => fluentd.entries.length === 1, { what: "the line" });
      assert.equal(fluentd.entries[0]?.record["log"], "late");
    } finally {
      await fluentd.receiver.down();
    }
  });
});

describe("an engine with a log driver of its own", () => {
  it("gives it to containers that name none", async () => {
    const flags = ["--log-driver", "local", "--log-opt", "max-size=1m", "--log-opt", "max-file=2"];
    const other = await TestEngine.start({ flags });
    try {
      assert.equal(await other.ok("info", "-f", "{{.LoggingDriver}}"), "local");
      await other.ok("create", "--name", "own", ...opts({ "max-size": "2m" }), "busybox");
      const config = await other.ok("inspect", "-f", LOG, "own");
      assert.deepEqual(JSON.parse(config), { Type: "local", Config: { "max-file": "2", "max-size": "2m" } });
      await other.ok("create", "--name", "other", "--log-driver", "json-file", "busybox");
      assert.equal(await other.ok("inspect", "-f", LOG, "other"), '{"Type":"json-file","Config":{}}');
    } finally {
      await other.end();
    }
  });
});
