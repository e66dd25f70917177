import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import { Gantry } from "../../src/sdk/index.ts";
import type { ContainerInspect } from "../../src/wire/types/containers.ts";
import { type Ran, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

/** What the network of a container is made to be, measured by real packets. */
describe("a network lab", () => {
  const world = new World();
  let host: Host;
  let engine: TestEngine;

  before(async () => {
    host = await world.host();
    engine = await TestEngine.start({ netns: host.netns });
  });
  after(async () => {
    await engine.end();
    await world.close();
  });
  afterEach(() => engine.clear());

  const shape = (...args: string[]): Promise<Ran> => engine.gantry("network", "shape", ...args);
  async function shaped(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await shape(...args);
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  }
  const addressOf = (name: string): Promise<string> =>
    engine.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
  /** What the engine keeps on the host of it. */
  const tables = (): string =>
    host
      .ok("nft", "list", "tables")
      .match(/table netdev \S+_gv\S+/g)
      ?.join() ?? "";

  /** A container that takes in all that is sent to port 9, and sends as much to whoever asks at port 10. */
  async function sink(name: string, ...flags: string[]): Promise<string> {
    const serve = `nc -ll -p 9 -e sh -c 'cat > /dev/null' & nc -ll -p 10 -e head -c ${SIZE} /dev/zero & wait`;
    await engine.ok("run", "-d", "--name", name, ...flags, "busybox", "sh", "-c", serve);
    const address = await addressOf(name);
    await until(async () => (await host.ask(address, 10)) !== undefined, { what: name });
    return address;
  }

  /** Bits a second through a port of a sink. */
  async function speed(address: string, port: 9 | 10): Promise<number> {
    const { stdout, stderr } = await host.run(process.execPath, "-e", TRANSFER, address, String(port), String(SIZE));
    assert.equal(stderr, "");
    return Number(stdout);
  }

  /** How many of 3000 datagrams arrive at a container, and at the host from it: by the kernel's count, which is never late. */
  async function arriving(name: string): Promise<{ in: number; out: number }> {
    const [pid = "", gateway = ""] = (
      await engine.ok("inspect", "-f", "{{.State.Pid}} {{.NetworkSettings.Gateway}}", name)
    ).split(" ");
    const address = await addressOf(name);
    const inside = (...args: string[]): string =>
      execFileSync("nsenter", ["-t", pid, "-n", ...args], { encoding: "utf8" });
    return {
      in: await counted(inside, () => host.run("perl", "-e", SEND, address)),
      out: await counted(
        (tool, ...args) => host.ok(tool, ...args),
        () => engine.ok("exec", name, "perl", "-e", SEND, gateway),
      ),
    };
  }

  async function counted(
    at: (tool: string, ...args: string[]) => string,
    send: () => Promise<unknown>,
  ): Promise<number> {
    at("nft", "add table ip counted; add chain ip counted c { type filter hook input priority -300; }");
    at("nft", "add rule ip counted c udp dport 7 counter");
    await send();
    const count = (): number => Number(/counter packets (\d+)/.exec(at("nft", "list", "table", "ip", "counted"))?.[1]);
    let before = -1;
    await until(() => before === (before = count()), { what: "the last of them", every: 200 });
    at("nft", "delete table ip counted");
    return before;
  }

  /** What a connect to a port that nobody listens on gets, and after how long. */
  const knock = async (address: string): Promise<string> =>
    (await host.run(process.execPath, "-e", KNOCK, address)).stdout.trim();

  test("--rate holds in both directions, --clear ends it", async () => {
    const address = await sink("sink");
    assert.equal(await shaped("--rate", "20mbit", "sink"), "bridge: rate 20mbit");
    for (const port of [9, 10] as const) {
      const bits = await speed(address, port);
      assert.ok(bits > 16e6 && bits < 24e6, `${port}: ${bits}`);
    }
    assert.equal(await shaped("--rate", "40mbit", "sink"), "bridge: rate 40mbit", "in place of before");
    const bits = await speed(address, 10);
    assert.ok(bits > 32e6 && bits < 48e6, String(bits));
    assert.equal(await shaped("--clear", "sink"), "");
    assert.equal(await shaped("sink"), "");
    for (const port of [9, 10] as const) assert.ok((await speed(address, port)) > WIDE, String(port));
  });

  test("--loss loses packets both ways, by chance; all of them with 100%", async () => {
    await engine.ok("run", "-d", "--name", "db", ...PROGRAMS, "sleep", "1000");
    await shaped("--loss", "10%", "db");
    // 3000 with a chance of 0.9: 2700, five times the deviation is 82
    for (const [way, count] of Object.entries(await arriving("db"))) {
      assert.ok(Math.abs(count - 2700) < 82, `${way}: ${count}`);
    }
    await shaped("--loss", "100", "db");
    const address = await addressOf("db");
    assert.match(await knock(address), /^silence/);
    await shaped("--clear", "db");
    assert.match(await knock(address), /^ECONNREFUSED/);
    assert.deepEqual(await arriving("db"), { in: 3000, out: 3000 });
    assert.equal(tables(), "");
  });

  test("one network is made worse, the other is not", async () => {
    await engine.ok("network", "create", "backend");
    const address = await sink("sink");
    await engine.ok("network", "connect", "backend", "sink");
    const other = await engine.ok("inspect", "-f", "{{.NetworkSettings.Networks.backend.IPAddress}}", "sink");
    assert.equal(
      await shaped("--network", "backend", "--rate", "10mbit", "--loss", "0.5%", "sink"),
      "backend: loss 0.5%, rate 10mbit",
    );
    assert.ok((await speed(address, 10)) > WIDE);
    assert.ok((await speed(other, 10)) < 12e6);
    assert.equal(await shaped("--rate", "1gbit", "sink"), "backend: rate 1gbit\nbridge: rate 1gbit");
    await shaped("--loss", "1%", "sink");
    assert.notEqual(tables(), "");
    await engine.ok("network", "disconnect", "backend", "sink");
    assert.equal(await shaped("sink"), "bridge: loss 1%");
    await engine.clear();
    assert.equal(tables(), "");
    await engine.ok("network", "rm", "backend");
  });

  test("it outlives the engine, also kill -9, and ends with the container", async () => {
    await engine.ok("run", "-d", "--name", "db", "--restart", "always", ...PROGRAMS, "sleep", "1000");
    await shaped("--loss", "20%", "--rate", "100mbit", "db");
    await engine.crash();
    assert.match(tables(), /table netdev/, "also while there is no engine");
    await engine.up();
    assert.equal(await shaped("db"), "bridge: loss 20%, rate 100mbit");
    assert.ok((await arriving("db")).in < 2700);
    await engine.ok("restart", "-t", "0", "db");
    assert.deepEqual([await shaped("db"), tables()], ["", ""]);
    assert.deepEqual(await arriving("db"), { in: 3000, out: 3000 });
    await shaped("--loss", "20%", "db");
    await engine.crash();
    await engine.up();
    await engine.ok("rm", "-f", "db");
    assert.equal(tables(), "");
  });

  test("--for ends it, also when the engine was away meanwhile", async () => {
    await engine.ok("run", "-d", "--name", "db", "busybox", "sleep", "1000");
    assert.match(await shaped("--loss", "20%", "--for", "1s", "db"), /^bridge: loss 20% for (\d+(\.\d+)?ms|1s)$/);
    await until(async () => (await shaped("db")) === "", { what: "the end of it" });
    assert.equal(tables(), "");
    await shaped("--loss", "20%", "--for", "500ms", "db");
    const end = Date.now() + 500;
    await engine.crash();
    await until(() => Date.now() > end, { what: "the end to pass" });
    await engine.up();
    assert.deepEqual([await shaped("db"), tables()], ["", ""]);
    await shaped("--loss", "20%", "--for", "4s", "db");
    await engine.crash();
    await engine.up();
    assert.match(await shaped("db"), /^bridge: loss 20% for \d/);
    await until(async () => (await shaped("db")) === "", { what: "the end after a restart of the engine" });
  });

  test("what only netem can do is done by it, or refused before anything is changed", async (t) => {
    await engine.ok("run", "-d", "--name", "db", ...PROGRAMS, "sleep", "1000");
    const address = await addressOf("db");
    const lab = await world.host();
    if ((await lab.run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")).code !== 0) {
      t.diagnostic("this kernel has no netem: only the refusal was seen");
      await shaped("--loss", "1%", "db");
      const { code, stderr } = await shape("--delay", "50ms", "--duplicate", "1%", "--rate", "1mbit", "db");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /this kernel can't do delay, duplicate: it has no netem \(sch_netem\)\nhint: try: modprobe sch_netem/,
      );
      assert.equal(await shaped("db"), "bridge: loss 1%");
      return;
    }
    await shaped("--delay", "50ms", "--jitter", "5ms", "--duplicate", "20%", "db");
    for (let round = 0; round < 5; round++) {
      const [, ms] = /^ECONNREFUSED after (\d+) ms/.exec(await knock(address)) ?? [];
      assert.ok(Number(ms) >= 89 && Number(ms) < 300, ms);
    }
    // a chance of 0.2 to come twice: 600 more, five times the deviation is 110
    for (const [way, count] of Object.entries(await arriving("db"))) {
      assert.ok(Math.abs(count - 3600) < 110, `${way}: ${count}`);
    }
  });

  test("refuses what can't be", async () => {
    await engine.ok("run", "-d", "--name", "db", "busybox", "sleep", "1000");
    await engine.ok("run", "-d", "--name", "hosted", "--network", "host", "busybox", "sleep", "1000");
    await engine.ok("create", "--name", "down", "busybox");
    const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr } = await shape(...args);
      assert.notEqual(code, 0, args.join(" "));
      assert.match(stderr, words);
    };
    await refused(/container .* does not run|does not run/, "--loss", "5%", "down");
    await refused(/only bridge networks can be shaped, not host/, "--loss", "5%", "hosted");
    await refused(/No such container: nosuch/, "--loss", "5%", "nosuch");
    await refused(/not connected to network none/, "--loss", "5%", "--network", "none", "db");
    await refused(/network nosuch not found/, "--loss", "5%", "--network", "nosuch", "db");
    await refused(/loss must be between 0.001% and 100%/, "--loss", "101%", "db");
    await refused(/not a share of the packets: "x": write 5% or 0.1%/, "--loss", "x", "db");
    await refused(/not a rate: "10mbps": write bits a second/, "--rate", "10mbps", "db");
    await refused(/rate must be between 8kbit and 1tbit/, "--rate", "1bit", "db");
    await refused(/jitter must not be more than the delay/, "--jitter", "5ms", "db");
    await refused(/only what has a delay can be reordered/, "--reorder", "5%", "db");
    await refused(/--for needs something that is to end/, "--for", "5s", "db");
    await refused(/--clear goes with --network alone/, "--clear", "--loss", "5%", "db");
    assert.deepEqual([await shaped("db"), tables()], ["", ""]);
  });

  test("inspect, explain, events and the SDK show it", async () => {
    await engine.ok("run", "-d", "--name", "db", "busybox", "sleep", "1000");
    const since = String(Date.now() / 1000);
    await using gantry = new Gantry({ host: `unix://${engine.socket}` });
    const container = await gantry.containers.get("db");
    const { bridge } = await container.shape({ loss: 0.1, rate: "5mbit", for: 60_000 });
    assert.deepEqual([bridge?.Loss, bridge?.Rate], [0.1, 5_000_000]);
    assert.deepEqual(await container.shapes(), { bridge });
    const inspected = await engine.ok("inspect", "-f", "{{json .}}", "db");
    const settings = (JSON.parse((await engine.get("/containers/db/json")).text) as ContainerInspect).NetworkSettings;
    assert.deepEqual((settings.Networks["bridge"] as { Shape?: object }).Shape, bridge);
    assert.ok(inspected.includes("IPAddress"), "docker reads it as ever");
    assert.match((await engine.gantry("explain", "db")).stdout, /made worse: loss 0\.1%, rate 5mbit/);
    await container.clearShape();
    assert.deepEqual(await container.shapes(), {});
    const format = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.shape}}";
    const told = await engine.ok("events", "--since", since, "--until", String(Date.now() / 1000), "--format", format);
    assert.equal(told, "shape bridge loss 0.1%, rate 5mbit\nunshape bridge <no value>");
  });
});

const SIZE = 2_500_000;
/** Bits a second that an unshaped cable has even on a busy machine. */
const WIDE = 60e6;
/** Programs of this machine in a container. */
const PROGRAMS = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", "busybox"];

/** Moves so many bytes, and prints bits a second. */
const TRANSFER = `
  const [host, port, size] = process.argv.slice(1);
  const began = performance.now();
  const socket = require("net").connect(+port, host);
  if (port === "9") socket.end(Buffer.alloc(+size));
  let got = 0;
  socket.on("data", (some) => (got += some.length));
  socket.on("end", () => console.log((+size * 8) / ((performance.now() - began) / 1000)));`;

const KNOCK = `
  const began = performance.now();
  const told = (what) => {
    console.log(what, "after", Math.round(performance.now() - began), "ms");
    process.exit();
  };
  require("net").connect(99, process.argv[1]).on("error", ({ code }) => told(code));
  setTimeout(told, 800, "silence");`;

/** 3000 datagrams, at a pace that no queue is full of; nobody listens. */
const SEND = `
  use Socket;
  socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die;
  my $to = sockaddr_in(7, inet_aton($ARGV[0]));
  for my $number (1 .. 3000) {
    send($socket, "one", 0, $to) or die;
    select(undef, undef, undef, 0.001) if $number % 20 == 0;
  }`;
