import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { Gantry } from "../../src/sdk/index.ts";
import type {
  ByHand,
  ContainerExplanation,
  ImageExplanation,
  NetworkExplanation,
} from "../../src/wire/types/explain.ts";
import { groupOf } from "../faults/facts.ts";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { agreesWithTools, steadily } from "../support/kernel-says.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

async function explain<T = ContainerExplanation>(name: string, ...flags: string[]): Promise<T> {
  const ran = await engine.gantry("explain", "--json", ...flags, name);
  assert.equal(ran.code, 0, ran.stderr);
  return JSON.parse(Buffer.from(ran.stdout, "latin1").toString()) as T;
}

const commandsOf = (doc: object): string[] =>
  [doc, ...Object.values(doc)].flatMap((part: { byHand?: ByHand[] } | undefined) =>
    (part?.byHand ?? []).map(({ command }) => command),
  );

/** Each command can be pasted into a shell of the host's. */
async function commandsWork(doc: object): Promise<void> {
  const env = { ...process.env, ...engine.env, PATH: `${path.dirname(GANTRY)}:${process.env["PATH"]}` };
  const commands = commandsOf(doc);
  assert.ok(commands.length > 1);
  for (const command of commands) {
    const ran = await steadily("bash", ["-c", command], env);
    assert.equal(ran.code, 0, `${command}: ${ran.stderr}`);
  }
}

const SLEEP = ["busybox", "sleep", "1000"];

/** Starts it, holds what is told of it against the tools, and gives what is told. */
async function started(name: string, ...flags: string[]): Promise<ContainerExplanation> {
  await engine.ok("run", "-d", "--name", name, ...flags, ...(flags.includes("busybox") ? [] : SLEEP));
  const doc = await explain(name);
  await agreesWithTools(doc);
  return doc;
}

const targetOf = (doc: ContainerExplanation, target: string) =>
  doc.files?.mounts?.findLast((row) => row.target === target);
const namespaceOf = (doc: ContainerExplanation, type: string) => doc.namespaces?.list.find((row) => row.type === type);
const held = (doc: ContainerExplanation, name: string) =>
  doc.capabilities?.list.find((row) => row.name === name)?.sets.includes("bounding");

describe("a running container is explained as lsns, capsh, findmnt, ip and nft show it", () => {
  it("on a network of the user's, with two ports, processes below process 1 and an exec", async () => {
    await engine.ok("network", "create", "demo");
    const script = "sleep 1001 & sleep 1002; true";
    const ports = ["-p", "80", "-p", "127.0.0.1::53/udp"];
    await engine.ok("run", "-d", "--name", "web", "--network", "demo", ...ports, "busybox", "sh", "-c", script);
    await engine.ok("exec", "-d", "web", "sleep", "1003");
    await until(async () => ((await explain("web", "--processes")).processes?.list.length ?? 0) === 4, {
      what: "four",
    });
    const doc = await explain("web");
    await agreesWithTools(doc);
    const { processes, network, files, cgroup } = doc;
    assert.deepEqual(processes?.list.map(({ pid }) => pid).toSorted(), groupOf(doc.id).toSorted());
    for (const { pid, inside } of processes?.list ?? []) {
      assert.match(fs.readFileSync(`/proc/${pid}/status`, "utf8"), new RegExp(`^NSpid:.*\\b${inside}$`, "m"));
    }
    const roles = processes?.list.map((row) => `${row.role} ${row.command.join(" ")}`);
    assert.deepEqual(roles?.toSorted(), [
      "child sleep 1001",
      "child sleep 1002",
      "entered sleep 1003",
      `init sh -c ${script}`,
    ]);
    assert.deepEqual(
      network?.firewall?.ports.map((row) => `${row.hostAddress}:${row.hostPort}`).toSorted(),
      // what comes over IPv6 the engine passes on: no rule does
      (await engine.ok("port", "web"))
        .split("\n")
        .flatMap((row) => /-> (\d.*)/.exec(row)?.[1] ?? [])
        .toSorted(),
    );
    assert.equal(network?.links.find(({ name }) => name === "eth0")?.network, "demo");
    assert.match(cgroup?.paths[0]?.path ?? "", new RegExp(doc.id));
    assert.ok(
      files?.layers.every(({ mounted }) => mounted),
      "each layer is in the overlay",
    );
    assert.equal(targetOf(doc, "/etc/hosts")?.origin, "engine");
    assert.ok(doc.security?.masked.includes("/sys/firmware"));
    assert.ok(doc.security?.readOnly.includes("/proc/sys"));
    await commandsWork(doc);

    const net = await explain<NetworkExplanation>("demo");
    assert.deepEqual(
      net.members.map(({ container, cable }) => [container, cable]),
      [["web", network?.links[1]?.host?.name]],
    );
    assert.equal(net.firewall?.ports.length, 2);
    await commandsWork(net);
  });

  it("privileged", async () => {
    const doc = await started("priv", "--privileged");
    assert.ok(held(doc, "CAP_NET_ADMIN"));
    assert.equal(doc.security?.seccomp.mode, "disabled");
    assert.deepEqual(doc.security?.masked, []);
  });

  it("on the host's network", async () => {
    const doc = await started("hostnet", "--network", "host");
    assert.equal(doc.network?.namespace, "host");
    assert.equal(namespaceOf(doc, "net")?.host, true);
    await commandsWork(doc);
  });

  it("in another container's network", async () => {
    const doc = await started("guest", "--network", "container:web");
    assert.equal(doc.network?.namespace, "container");
    assert.equal(doc.network?.of, "web");
    assert.deepEqual(namespaceOf(doc, "net")?.sharedWith, ["web"]);
    assert.equal(doc.network?.firewall?.ports.length, 2);
    const other = await explain("web", "--namespaces");
    assert.deepEqual(namespaceOf(other, "net")?.sharedWith, ["guest"]);
  });

  it("read-only, with a tmpfs", async () => {
    const doc = await started("ro", "--read-only", "--tmpfs", "/scratch:size=1m");
    assert.equal(doc.security?.readOnlyRoot, true);
    assert.equal(targetOf(doc, "/scratch")?.origin, "tmpfs");
  });

  it("with a capability more, one less, and no new privileges", async () => {
    const options = ["--cap-add", "SYS_TIME", "--cap-drop", "CHOWN", "--security-opt", "no-new-privileges"];
    const doc = await started("caps", ...options);
    const differing = doc.capabilities?.list
      .filter(({ differs }) => differs)
      .map((row) => `${row.differs} ${row.name}`);
    assert.deepEqual(differing?.toSorted(), ["added CAP_SYS_TIME", "dropped CAP_CHOWN"]);
    assert.equal(doc.security?.noNewPrivileges, true);
  });

  it("with limits", async () => {
    const doc = await started("limited", "-m", "32m", "--cpus", "0.5", "--pids-limit", "33");
    const value = (name: RegExp) => doc.cgroup?.files.find(({ file }) => name.test(file))?.value;
    assert.equal(value(/\/memory\.(limit_in_bytes|max)$/), 32 << 20);
    assert.equal(value(/\/cpu\.(cfs_quota_us|max)$/), 50_000);
    assert.equal(value(/\/pids\.max$/), 33);
    for (const { file, text, kind } of doc.cgroup?.files ?? []) {
      if (kind === "limit") assert.equal(fs.readFileSync(file, "utf8").trimEnd(), text, file);
    }
  });

  it("with a volume, a folder of the host's and a file written by itself", async () => {
    const folder = path.join(engine.folder, "with blank");
    fs.mkdirSync(folder);
    const doc = await started(
      ...(["vol", "-v", "data:/data", "-v", `${folder}:/from host:ro`, "busybox"] as const),
      ...["sh", "-c", "echo x > /made; exec sleep 1000"],
    );
    assert.equal(targetOf(doc, "/data")?.from, "volume data");
    assert.ok((doc.network?.dns.hosts.length ?? 0) > 1);
    assert.equal(targetOf(doc, "/from host")?.from, `${folder} of the host`);
    await until(async () => (await explain("vol", "--fs")).files?.writable?.first.includes("A /made") ?? false, {
      what: "the file",
    });
    await commandsWork(doc);
  });

  it("in the host's pid namespace, with another host name and user", async () => {
    const doc = await started("hostpid", "--pid", "host", "--user", "1000:100", "--hostname", "x");
    assert.equal(namespaceOf(doc, "pid")?.host, true);
    assert.deepEqual([doc.security?.uid, doc.security?.gid], [1000, 100]);
    assert.deepEqual(
      doc.processes?.list.map(({ pid, inside }) => pid === inside),
      [true],
    );
  });

  it("in another container's pid and ipc namespaces, without a network, by runc", async () => {
    await engine.ok("run", "-d", "--name", "donor", "--ipc", "shareable", ...SLEEP);
    const joined = ["--pid", "container:donor", "--ipc", "container:donor", "--network", "none"];
    const doc = await started("joined", ...joined, "--runtime", "runc");
    for (const type of ["pid", "ipc"]) assert.deepEqual(namespaceOf(doc, type)?.sharedWith, ["donor"]);
    assert.deepEqual(namespaceOf(doc, "net")?.sharedWith, []);
    assert.deepEqual(
      doc.network?.links.map(({ name }) => name),
      ["lo"],
    );
    assert.ok((doc.processes?.list[0]?.inside ?? 0) > 1);
    assert.equal(doc.monitor?.runtime, "runc");
  });

  it("in a user namespace", async () => {
    const remapped = await TestEngine.start({ flags: ["--userns-remap", "default"] });
    try {
      await remapped.ok("run", "-d", "--name", "nobody", "-p", "80", "-v", "data:/data", ...SLEEP);
      const ran = await remapped.gantry("explain", "--json", "nobody");
      const doc = JSON.parse(Buffer.from(ran.stdout, "latin1").toString()) as ContainerExplanation;
      await agreesWithTools(doc);
      assert.equal(namespaceOf(doc, "user")?.host, false);
      assert.equal(doc.namespaces?.uidMap[0]?.outside, doc.security?.uid);
      assert.ok((doc.security?.uid ?? 0) > 0);
      assert.ok(doc.files?.layers.every(({ mounted }) => mounted));
    } finally {
      await remapped.end();
    }
  });

  it("paused", async () => {
    const doc = await started("held");
    assert.equal(doc.running, true);
    await engine.ok("pause", "held");
    const paused = await explain("held");
    assert.equal(paused.overview.status, "paused");
    await agreesWithTools(paused);
    await engine.ok("unpause", "held");
  });
});

describe("a container that does not run", () => {
  it("that the kernel killed at its memory limit", async () => {
    const eat = "echo eating; x=a; while :; do x=$x$x; done";
    await engine.docker("run", "--name", "oom", "-m", "16m", "busybox", "sh", "-c", eat);
    const doc = await explain("oom");
    assert.equal(doc.running, false);
    assert.equal(doc.end?.exitCode, 137);
    assert.equal(doc.end?.signal, "SIGKILL");
    assert.ok(doc.end?.oomKilled);
    assert.match(doc.end?.reason ?? "", /memory limit of 16MiB/);
    assert.deepEqual(doc.end?.lastLines, ["eating"]);
    assert.ok(doc.end?.events.some(({ action }) => action === "oom"));
    assert.equal(doc.processes, undefined);
    await commandsWork(doc);
  });

  it("whose program is not there", async () => {
    await engine.docker("run", "--name", "nothing", "busybox", "no-such-program");
    const doc = await explain("nothing");
    assert.equal(doc.end?.exitCode, 127);
    assert.match(doc.end?.meaning ?? "", /never started: its program was not found/);
    assert.match(doc.end?.error ?? "", /no-such-program/);
    assert.match((await engine.gantry("explain", "nothing")).stdout, /WHY IT DID NOT START/);
  });

  it("whose shell did not find a command", async () => {
    await engine.docker("run", "--name", "shell", "busybox", "sh", "-c", "no-such-command");
    const doc = await explain("shell");
    assert.equal(doc.end?.exitCode, 127);
    assert.match(doc.end?.meaning ?? "", /a shell in it did not find a command/);
    assert.match(doc.end?.lastLines.join() ?? "", /no-such-command/);
  });

  it("that comes up again and again", async () => {
    await engine.ok("run", "-d", "--name", "loop", "--restart", "always", "busybox", "sh", "-c", "echo hi; exit 3");
    let doc = await explain("loop");
    await until(
      async () => {
        doc = await explain("loop");
        return doc.overview.status === "restarting" && doc.overview.restarts > 1;
      },
      { what: "the third start to be waited for" },
    );
    assert.equal(doc.end?.exitCode, 3);
    assert.match(doc.end?.meaning ?? "", /own error code 3/);
    assert.ok(doc.end?.lastLines.includes("hi"));
    await engine.ok("rm", "-f", "loop");
  });

  it("that was stopped, and one that never ran", async () => {
    await engine.ok("run", "-d", "--name", "stopped", ...SLEEP);
    await engine.ok("stop", "-t", "0", "stopped");
    assert.match((await explain("stopped")).end?.reason ?? "", /time-out is 0/);
    await engine.ok("create", "--name", "new", ...SLEEP);
    const doc = await explain("new");
    assert.equal(doc.end, undefined);
    assert.equal(doc.overview.status, "created");
    assert.equal(doc.files?.writable, undefined);
    assert.equal((await engine.gantry("explain", "new")).code, 0);
    await commandsWork(doc);
  });
});

describe("gantry explain", () => {
  it("explains images with their layers, and who shares them", async () => {
    const folder = path.join(engine.folder, "build");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nRUN echo hi > /hi\nENV A=1\n");
    await engine.ok("build", "-t", "layered", folder);
    const doc = await explain<ImageExplanation>("layered");
    assert.equal(doc.layers.length, 2);
    assert.match(doc.layers[1]?.createdBy ?? "", /echo hi/);
    assert.ok(doc.layers[1]?.adds.includes("hi"));
    assert.deepEqual(doc.layers[0]?.sharedWith, ["busybox:latest"]);
    await commandsWork(doc);
  });

  it("draws at most a screen a section on a terminal, and everything elsewhere", async () => {
    await engine.ok("run", "-d", "--name", "drawn", ...SLEEP);
    const inTerminal = (columns: number, more: string) =>
      run("script", ["-qec", `stty cols ${columns} rows 30; ${GANTRY} explain ${more} drawn`, "/dev/null"], {
        env: { ...engine.env, TERM: "xterm" },
      });
    const text = (ran: { stdout: string }): string => Buffer.from(ran.stdout, "latin1").toString().replaceAll("\r", "");
    const drawn = text(await inTerminal(100, ""));
    assert.match(drawn, /\u001b\[1;36mCAPABILITIES/);
    for (const section of drawn.split("\n\n")) assert.ok(section.split("\n").length <= 24, section);
    assert.match(drawn, /more lines: gantry explain --caps --all drawn/);
    assert.match(text(await inTerminal(100, "--caps --all")), /CAP_CHECKPOINT_RESTORE/);
    const piped = await engine.gantry("explain", "drawn");
    assert.doesNotMatch(piped.stdout, /\u001b|more lines/);
    assert.match(piped.stdout, /CAP_CHECKPOINT_RESTORE/);
    const chosen = await engine.gantry("explain", "--namespaces", "drawn");
    assert.match(chosen.stdout, /^NAMESPACES/);
    assert.doesNotMatch(chosen.stdout, /CAPABILITIES/);
  });

  it("is there for programs, by the SDK", async () => {
    const client = new Gantry({ host: `unix://${engine.socket}` });
    try {
      const container = await client.containers.get("drawn");
      assert.equal((await container.explain()).name, "drawn");
      assert.equal((await client.images.explain("busybox")).layers.length, 1);
      assert.equal((await (await client.networks.get("bridge")).explain()).bridge?.name, engine.bridge);
    } finally {
      client.close();
    }
  });

  it("refuses what is not there", async () => {
    const none = await engine.gantry("explain", "nobody");
    assert.equal(none.code, 1);
    assert.match(none.stderr, /No such container, image or network: nobody/);
    const { status, text } = await engine.get("/gantry/explain/containers/drawn?sections=soul");
    assert.equal(status, 400);
    assert.match(text, /there is no section/);
  });
});
