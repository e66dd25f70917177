import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "../faults/facts.ts";
import { type Ran, run as runProgram, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
  await makeImage();
});
after(() => engine.end());

const SCRIPTS: Record<string, string> = {
  "crlf.sh": "#!/bin/sh\r\necho hi\r\n",
  "python.sh": "#!/usr/bin/python3\nprint(1)\n",
  "plain.sh": "echo hi\n",
  "fine.sh": "#!/bin/sh\necho fine\n",
  "closed.sh": "#!/bin/sh\necho closed\n",
};

/** An image full of programs that cannot start. */
async function makeImage(): Promise<void> {
  const folder = path.join(engine.folder, "image");
  fs.mkdirSync(folder);
  const put = (name: string, content: string | Buffer): void =>
    fs.writeFileSync(path.join(folder, name), content, { mode: name === "closed.sh" ? 0o644 : 0o755 });
  for (const [name, text] of Object.entries(SCRIPTS)) put(name, text);
  put("dynamic", fs.readFileSync("/bin/true"));
  const foreign = Buffer.from(fs.readFileSync("/bin/busybox").subarray(0, 4096));
  foreign.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
  put("foreign", foreign);
  put("Dockerfile", "FROM busybox\nCOPY *.sh dynamic foreign /app/\n");
  await engine.ok("build", "-t", "broken", folder);
}

/** Both CLIs fail alike, and tell it. `hint`: what gantry adds, where the message does not have it. */
async function fails(args: string[], code: number, words: RegExp, hint?: RegExp): Promise<void> {
  for (const cli of ["docker", "gantry"] as const) {
    const ran: Ran = await engine[cli](...args);
    const told = `${cli} ${args.join(" ")}: ${ran.code} ${ran.stderr}`;
    assert.equal(ran.code, code, told);
    assert.match(ran.stderr, words, told);
    if (cli === "gantry" && hint) assert.match(ran.stderr, hint, told);
    if (cli === "gantry") assert.doesNotMatch(ran.stderr, /(\(.{20,}\))[^]*hint: .*\1/, "nothing is said twice");
  }
}

const run = (...args: string[]): string[] => ["run", "--rm", ...args];

describe("a command that cannot be started", () => {
  const cases: [what: string, args: string[], code: number, words: RegExp, hint?: RegExp][] = [
    [
      "has Windows line ends",
      ["/app/crlf.sh"],
      127,
      /exec \/app\/crlf\.sh: no such file .*CRLF.*dos2unix.*\.gitattributes/,
    ],
    [
      "lacks its interpreter",
      ["/app/python.sh"],
      127,
      /exec \/app\/python\.sh: no such file .*needs \/usr\/bin\/python3, which/,
    ],
    ["lacks its loader", ["/app/dynamic"], 127, /exec \/app\/dynamic: no such file .*loader \/lib.* of glibc, which/],
    [
      "is for another machine",
      ["/app/foreign"],
      125,
      /exec \/app\/foreign: exec format error.*is built for .* --platform linux\//,
    ],
    [
      "is a script without a first line",
      ["/app/plain.sh"],
      125,
      /exec \/app\/plain\.sh: exec format error.*#!\/bin\/sh/,
    ],
    ["is not executable", ["/app/closed.sh"], 126, /exec: "\/app\/closed\.sh": permission denied/, /hint: .*chmod \+x/],
    ["is a folder", ["/app"], 126, /exec: "\/app": is a directory/],
    [
      "is not there",
      ["/app/nothing"],
      127,
      /exec: "\/app\/nothing": stat .*: no such file or directory/,
      /hint: check the name/,
    ],
    ["is in no folder of PATH", ["nothing"], 127, /exec: "nothing": executable file not found in \$PATH/],
    [
      "is a whole line",
      ["echo hi there"],
      127,
      /executable file not found/,
      /hint: the whole command line was given as one word/,
    ],
  ];
  for (const [what, args, code, words, hint] of cases) {
    it(`${what}: exit code ${code}`, () => fails(run("broken", ...args), code, words, hint));
  }

  it("is explained by exec too, with a terminal or without", async () => {
    const id = await engine.ok("run", "-d", "broken", "sleep", "1000");
    for (const [what, [command = "", ...more], , words] of cases) {
      for (const cli of ["docker", "gantry"] as const) {
        const ran = await engine[cli]("exec", id, command, ...more);
        assert.ok([126, 127].includes(ran.code), `${what}: ${ran.code}`);
        assert.match(ran.stdout + ran.stderr, words, what);
      }
    }
    const line = `docker exec -t ${id} /app/crlf.sh; docker exec -d ${id} /app/python.sh`;
    const { stdout } = await runProgram("script", ["-qec", line, "/dev/null"], { env: engine.env });
    assert.match(stdout, /^OCI runtime exec failed: .*CRLF[^]*needs \/usr\/bin\/python3, which/);
    await engine.ok("rm", "-f", id);
  });

  it("has too few files to be started with: the limit is named", async () => {
    await fails(run("--ulimit", "nofile=7", "broken", "true"), 125, /too many open files|no space left/i, /nofile=64/);
  });

  it("is refused before it counts as started, also with -d, and the record keeps why", async () => {
    const ran = await engine.docker("run", "-d", "--name", "refused", "--restart", "always", "broken", "/app/crlf.sh");
    assert.equal(ran.code, 127);
    const { State } = await inspect(engine, "refused");
    assert.deepEqual([State.Status, State.ExitCode], ["created", 127]);
    assert.match(State.Error, /exec \/app\/crlf\.sh: no such file or directory.*CRLF/);
    await engine.ok("rm", "refused");
  });

  it("is let through where a mount brings what the image lacks", async () => {
    const fixed = path.join(engine.folder, "fixed.sh");
    fs.writeFileSync(fixed, SCRIPTS["fine.sh"] ?? "", { mode: 0o755 });
    assert.equal(await engine.ok(...run("-v", `${fixed}:/app/crlf.sh`, "broken", "/app/crlf.sh")), "fine");
    const lib = ["-v", "/lib:/lib:ro", ...(fs.existsSync("/lib64") ? ["-v", "/lib64:/lib64:ro"] : [])];
    await engine.ok(...run(...lib, "broken", "/app/dynamic"));
    const bin = path.join(engine.folder, "bin");
    fs.mkdirSync(bin);
    fs.copyFileSync("/bin/busybox", path.join(bin, "python3"));
    const ran = await engine.docker(...run("-v", `${bin}:/usr/bin`, "broken", "/app/python.sh"));
    assert.match(ran.stderr, /python3: applet not found/);
  });
});

describe("what else stands against a run", () => {
  it("is told with what to do", async () => {
    await fails(
      run("-u", "nobody-here", "busybox", "id"),
      125,
      /unable to find user nobody-here: no matching/,
      /hint: .*\/etc\/passwd/,
    );
    await fails(
      run("-w", "/etc/passwd", "busybox", "ls"),
      125,
      /Cannot mkdir: \/etc\/passwd is not a directory/,
      /hint: /,
    );
    await fails(
      run("--mount", "type=bind,src=/not/there,dst=/x", "busybox", "ls"),
      125,
      /bind source path does not exist: \/not\/there/,
      /hint: .*mkdir -p/,
    );
    await fails(
      run("127.0.0.1:1/app", "ls"),
      125,
      /connect: connection refused/,
      /hint: nothing answers at 127\.0\.0\.1:1/,
    );
    await fails(run("-it", "busybox", "ls"), 1, /the input device is not a TTY/, /hint: -t needs a terminal/);
    await fails(
      run("busybox:", "ls"),
      125,
      /invalid reference format/,
      /a part of "busybox:" is empty: is a variable such as/,
    );
    await fails(run("", "ls"), 125, /invalid reference format/, /the name is empty: is a variable such as/);
  });

  it("is an image without a command", async () => {
    const tar = path.join(engine.folder, "empty.tar");
    fs.writeFileSync(tar, Buffer.alloc(10240));
    await engine.ok("import", tar, "bare");
    await fails(run("bare"), 125, /no command specified/, /hint: .*neither CMD nor ENTRYPOINT/);
  });

  it("is a name that another has", async () => {
    await engine.ok("create", "--name", "mine", "busybox");
    await fails(
      ["create", "--name", "mine", "busybox"],
      1,
      /The container name "\/mine" is already in use by container/,
      /hint: .*rm -f mine/,
    );
    await engine.ok("rm", "mine");
  });

  it("is a port that a container has, or a process", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    const taken = new RegExp(
      `bind: address already in use \\(held by .* \\(pid ${process.pid}\\); port \\d+ is free\\)`,
    );
    await fails(run("-p", `127.0.0.1:${port}:80`, "busybox", "true"), 125, taken, /hint: try -p 127/);
    server.close();
    await once(server, "close");
    await engine.ok("run", "-d", "--name", "holder", "-p", `127.0.0.1:${port}:80`, "busybox", "sleep", "100");
    const held = /port is already allocated \(held by container holder; port \d+ is free\)/;
    await fails(run("-p", `127.0.0.1:${port}:80`, "busybox", "true"), 125, held);
    await engine.ok("rm", "-f", "holder");
  });

  it("is an empty variable in a Dockerfile's FROM, or in a name that the API gets", async () => {
    const folder = path.join(engine.folder, "from");
    fs.mkdirSync(folder);
    const build = async (text: string, words: RegExp): Promise<void> => {
      fs.writeFileSync(path.join(folder, "Dockerfile"), text);
      await fails(["build", folder], 1, words);
    };
    await build(
      "ARG BASE\nFROM $BASE\n",
      /base name \(\$BASE\) should not be blank[^]*BASE has no value: --build-arg BASE=/,
    );
    await build("ARG TAG\nFROM busybox:$TAG\n", /invalid reference format: a part of "busybox:" is empty/);
    const { status, text } = await engine.get("/containers/create", "POST", { Image: "busybox:", Cmd: ["ls"] });
    assert.equal(status, 400);
    assert.match(text, /invalid reference format: a part of/);
  });
});

interface Ended {
  ExitCode: number;
  Error: string;
  ExitReason?: string;
}
const ended = async (name: string): Promise<Ended> => (await inspect(engine, name)).State as Ended;

describe("exit code 137", () => {
  it("is a memory limit, with the limit, in inspect, events and the engine's log", async () => {
    const id = await engine.ok(
      "run",
      "-d",
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "busybox",
      "sh",
      "-c",
      "tail /dev/zero",
    );
    assert.equal(await engine.ok("wait", id), "137");
    const { Error, ExitReason } = await ended(id);
    assert.equal(Error, "");
    assert.match(
      ExitReason ?? "",
      /killed it at its memory limit of 16MiB, most used 1\dMiB|a process in it at its memory limit/,
    );
    const filters = ["--filter", "event=die", "--since", "0", "--until", String(Math.floor(Date.now() / 1000) + 1)];
    assert.match(await engine.ok("events", "--filter", `container=${id}`, ...filters), /exitReason=MEMORY_LIMIT/);
    assert.match(engine.log, /why a container ended.*memory limit of 16MiB/);
    await engine.ok("rm", id);
  });

  it("is docker kill, a kill from outside, or a stop's time-out, told apart", async () => {
    const [asked = "", outside = "", stubborn = ""] = await Promise.all(
      [1, 2, 3].map(() => engine.ok("run", "-d", "busybox", "sleep", "1000")),
    );
    await engine.ok("kill", asked);
    process.kill((await inspect(engine, outside)).State.Pid, "SIGKILL");
    await engine.ok("wait", outside);
    const stopped = await engine.gantry("stop", "-t", "1", stubborn);
    assert.equal(stopped.code, 0);
    assert.match(stopped.stderr, /^hint: .*did not end within 1 s of SIGTERM.*no handler for SIGTERM.*--init/);
    const reasons = [
      /by a request to the engine/,
      /neither the engine nor a memory limit sent/,
      /did not end within 1 s of SIGTERM/,
    ];
    for (const [index, id] of [asked, outside, stubborn].entries()) {
      const { ExitCode, Error, ExitReason = "" } = await ended(id);
      assert.deepEqual([ExitCode, Error], [137, ""]);
      assert.match(ExitReason, reasons[index] as RegExp);
    }
    await engine.ok("start", asked);
    assert.equal((await ended(asked)).ExitReason, undefined, "a new run has no reason yet");
    const restarted = await engine.gantry("restart", "-t", "1", asked);
    assert.equal(restarted.stderr, `hint: ${asked}: ${(await ended(stubborn)).ExitReason}\n`);
    assert.equal((await ended(asked)).ExitReason, undefined);
    await engine.ok("rm", "-f", asked, outside, stubborn);
  });

  it("is a shell that passes no signal on, or a program that is slow", async () => {
    const shell = await engine.ok("run", "-d", "busybox", "sh", "-c", "sleep 1000; true");
    const slow = await engine.ok(
      "run",
      "-d",
      "busybox",
      "sh",
      "-c",
      'trap "sleep 100" TERM; echo up; sleep 1000 & wait',
    );
    await until(async () => (await engine.ok("logs", slow)) === "up", { what: "its trap" });
    await Promise.all([shell, slow].map((id) => engine.ok("stop", "-t", "1", id)));
    assert.match((await ended(shell)).ExitReason ?? "", /first process is a shell, .*exec form/);
    assert.match((await ended(slow)).ExitReason ?? "", /handles SIGTERM, and was not done yet/);
    await engine.ok("rm", shell, slow);
  });

  it("is remembered over a kill -9 of the engine during the stop", async () => {
    const id = await engine.ok("run", "-d", "busybox", "sleep", "1000");
    const stopping = engine.docker("stop", "-t", "60", id);
    await until(
      () =>
        fs.existsSync(engine.socket) &&
        engine
          .get(`/events?since=0&until=${Math.floor(Date.now() / 1000) + 1}`)
          .then(({ text }) => text.includes('"signal":"15"')),
      { what: "the signal" },
    );
    await engine.crash();
    await stopping;
    await engine.up();
    await engine.ok("stop", "-t", "1", id);
    assert.match((await ended(id)).ExitReason ?? "", /did not end within 1 s of SIGTERM/);
    await engine.ok("rm", id);
  });
});

describe("a container that keeps failing to start", () => {
  it("shows the last error in inspect while its policy tries on", async () => {
    const source = path.join(engine.folder, "source");
    fs.mkdirSync(source);
    const mount = ["--mount", `type=bind,src=${source},dst=/data`];
    const id = await engine.ok("run", "-d", "--restart", "always", ...mount, "busybox", "sleep", "1000");
    fs.rmdirSync(source);
    process.kill((await inspect(engine, id)).State.Pid, "SIGKILL");
    const failed = async (): Promise<boolean> => /bind source path does not exist/.test((await ended(id)).Error);
    await until(failed, { what: "the error" });
    await until(async () => (await inspect(engine, id)).RestartCount > 1, { what: "another attempt" });
    assert.equal(await failed(), true, "also during the next attempt");
    await engine.ok("rm", "-f", id);
  });
});
