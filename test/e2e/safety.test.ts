import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { groupOf, inspect } from "../faults/facts.ts";
import { GANTRYD, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const inside = (...args: string[]): Promise<string> => engine.ok("run", "--rm", ...args);
const sh = (script: string): string[] => ["busybox", "sh", "-c", script];

/** Runs, expects a refusal, and nothing left. */
async function refused(words: RegExp, ...args: string[]): Promise<Ran> {
  const ran = await engine.docker("run", "--rm", ...args);
  assert.notEqual(ran.code, 0, `${args.join(" ")} was let through: ${ran.stdout}`);
  assert.match(ran.stderr, words);
  return ran;
}

/** An image out of a shell script that runs in an empty folder with busybox in it. */
async function image(name: string, script: string, ...changes: string[]): Promise<void> {
  const folder = path.join(engine.folder, name);
  fs.mkdirSync(path.join(folder, "bin"), { recursive: true });
  fs.copyFileSync("/bin/busybox", path.join(folder, "bin/busybox"));
  fs.symlinkSync("busybox", path.join(folder, "bin/sh"));
  assert.equal((await run("sh", ["-ec", script], { cwd: folder })).code, 0);
  const tar = `${folder}.tar`;
  assert.equal((await run("tar", ["-cf", tar, "-C", folder, "."])).code, 0);
  await engine.ok("import", ...changes.flatMap((change) => ["-c", change]), tar, name);
}

describe("a container's view, by default", () => {
  it("has Docker's 14 capabilities, none inheritable, a filter, and may gain privileges only as with Docker", async () => {
    const status = await inside("busybox", "cat", "/proc/self/status");
    const field = (name: string, text = status): string | undefined =>
      text.match(new RegExp(`^${name}:\\s+(\\S+)`, "m"))?.[1];
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) assert.equal(field(set), "00000000a80425fb", set);
    for (const set of ["CapInh", "CapAmb"]) assert.equal(field(set), "0000000000000000", set);
    assert.equal(field("Seccomp"), "2");
    assert.equal(field("NoNewPrivs"), "0");
    const strict = await inside(
      "--security-opt",
      "no-new-privileges",
      "-u",
      "1000",
      "busybox",
      "cat",
      "/proc/self/status",
    );
    assert.equal(field("NoNewPrivs", strict), "1");
    assert.equal(field("CapEff", strict), "0000000000000000");
    assert.equal(field("Uid", strict), "1000");
  });

  it("shows nothing of the kernel's secrets and lets nobody change the kernel", async () => {
    const masked = "/proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts";
    assert.equal(await inside(...sh(`for f in ${masked}; do test -e $f && head -c 10 $f; done; true`)), "");
    assert.equal(
      await inside(...sh("ls /proc/scsi /proc/acpi /sys/firmware 2>/dev/null | grep -v : | tr -d '\\n'")),
      "",
    );
    const closed = "/proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/x /proc/bus/x /proc/fs/x /sys/x";
    const script = `for f in ${closed}; do (echo x > $f) 2>/dev/null && echo wrote $f; done; true`;
    assert.equal(await inside(...sh(script)), "");
    assert.equal(await inside(...sh("grep -E '^\\S+ \\S+ (cgroup2?|sysfs) ' /proc/mounts | grep -v ' ro,'; true")), "");
  });

  it("has the short list of devices and no way to others", async () => {
    const devices = (await inside("busybox", "ls", "/dev")).split("\n");
    assert.deepEqual(devices, [
      ...["core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout"],
      ...["tty", "urandom", "zero"],
    ]);
    const other = "mknod /tmp/d b 7 0 && head -c 1 /tmp/d; mknod /tmp/k c 1 11 && head -c 1 /tmp/k";
    const ran = await engine.docker("run", "--rm", ...sh(other));
    assert.notEqual(ran.code, 0);
    assert.equal(ran.stderr.match(/Operation not permitted/g)?.length, 2, ran.stderr);
  });

  it("holds at most 2048 processes", async () => {
    const id = await engine.ok("run", "-d", "busybox", "sleep", "100");
    const folder = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((root) =>
      fs.existsSync(`${root}/gantry/${id}/pids.max`),
    );
    assert.equal(fs.readFileSync(`${folder}/gantry/${id}/pids.max`, "utf8"), "2048\n");
    await engine.ok("rm", "-f", id);
  });

  it("refuses sockets of the kernel's crypto and of the hypervisor, also with a family that only looks like others", async () => {
    const families = ["38", "40", "2**32+38", "2**32+40", "2**63+38"];
    const perl = families.map((family) => `print socket(S,${family},5,0)?"open":"$!","\\n";`).join("");
    const lines = (await inside("-v", "/:/host:ro", "busybox", "chroot", "/host", "perl", "-e", perl)).split("\n");
    assert.equal(lines.length, families.length);
    assert.deepEqual(
      lines.filter((line) => line === "open"),
      [],
    );
    const ordinary = 'socket(S,2,1,0) or die; socket(S,1,1,0) or die; print "fine"';
    assert.equal(await inside("-v", "/:/host:ro", "busybox", "chroot", "/host", "perl", "-e", ordinary), "fine");
  });

  it("inherits no descriptor of the engine's", async () => {
    const listed = await inside(...sh("ls -l /proc/1/fd | grep -v pipe: | sed 's/.* -> //'"));
    assert.deepEqual(
      listed.split("\n").filter((name) => !/^(total|\/dev\/null|\/proc\/\d+\/fd$)/.test(name) && name !== ""),
      [],
    );
    const id = await engine.ok("run", "-d", "busybox", "sleep", "100");
    // Nobody but ls itself: a shell holds pipes of its own for a moment.
    const exec = await engine.ok("exec", id, "ls", "-l", "/proc/self/fd");
    const targets = exec.split("\n").flatMap(
      (line) =>
        line
          .match(/ (\d+) -> (.*)$/)
          ?.slice(1)
          .join(" ") ?? [],
    );
    assert.deepEqual(
      targets.filter((target) => !/^[012] pipe:|^3 \/proc\/\d+\/fd$/.test(target)),
      [],
    );
    await engine.ok("rm", "-f", id);
  });
});

describe("the host's /dev/null", () => {
  it("keeps its owner and mode, whoever runs what with it as stdin", async () => {
    const facts = (): number[] => {
      const { uid, gid, mode, rdev } = fs.statSync("/dev/null");
      return [uid, gid, mode, rdev];
    };
    const before = facts();
    await inside("-u", "1000:1000", "busybox", "true");
    const probe = ["--health-cmd", "true", "--health-interval", "50ms"];
    const id = await engine.ok("run", "-d", "-u", "1000:1000", ...probe, "busybox", "sleep", "100");
    await engine.ok("exec", "-u", "1001", id, "true");
    await engine.ok("exec", "-t", "-u", "1002", id, "true");
    await engine.ok("exec", "-d", "-u", "1003", id, "true");
    await until(async () => (await inspect(engine, id)).State.Health?.Status === "healthy", { what: "a health check" });
    await engine.ok("rm", "-f", id);
    const folder = path.join(engine.folder, "null");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nUSER 1004\nRUN true < /dev/null > /dev/null\n");
    await engine.ok("build", "-q", folder);
    assert.deepEqual(facts(), before);
  });
});

describe("what an image or a command line tries", () => {
  for (const name of ["dev", "proc", "sys"]) {
    it(`a link in place of /${name} is refused`, async () => {
      fs.mkdirSync(path.join(engine.folder, "target"), { recursive: true });
      await image(`link-${name}`, `ln -s ${engine.folder}/target ${name}; mkdir -p etc`);
      await refused(new RegExp(`its /${name} is a symbolic link`), `link-${name}`, "true");
      await refused(new RegExp(`its /${name} is a symbolic link`), "--privileged", `link-${name}`, "true");
      assert.deepEqual(fs.readdirSync(path.join(engine.folder, "target")), []);
    });
  }

  it("mounts into /proc, /sys and /dev are refused, by name and through links of the image", async () => {
    await image("linked", "mkdir -p proc sys dev etc; ln -s /proc way; ln -s ../../proc/self etc/way");
    for (const target of ["/proc", "/proc/1", "/sys/fs", "/dev/pts", "/etc/../proc/x"]) {
      await refused(/which belongs to the kernel/, "-v", `${engine.folder}:${target}`, "busybox", "true");
    }
    await refused(/which belongs to the kernel/, "--tmpfs", "/proc/x", "busybox", "true");
    await refused(/which belongs to the kernel/, "--mount", "type=volume,target=/sys/x", "busybox", "true");
    for (const target of ["/way/x", "/etc/way/attr"]) {
      await refused(/which belongs to the kernel/, "-v", `${engine.folder}:${target}`, "linked", "/bin/sh");
    }
    await inside("-v", `${engine.folder}:/dev/shm/x`, "busybox", "true");
    assert.equal(await engine.ok("volume", "ls", "-q"), "");
  });

  it("a working folder among a process's descriptors is refused, by name and through a link", async () => {
    await image(
      "fdlink",
      "mkdir -p proc sys dev etc; ln -s /proc/self/fd fds; ln -s proc/self/fd/7 seven",
      "WORKDIR /seven",
    );
    for (const folder of [
      "/proc/self/fd/7",
      "/proc/1/fd",
      "/proc/self/fd/../fd/7",
      "//proc/self//fd/8",
      "/proc/self/cwd",
    ]) {
      await refused(/the working directory .* is refused/, "-w", folder, "busybox", "true");
    }
    await refused(/the working directory .* is refused/, "fdlink", "/bin/sh");
    await refused(/the working directory .* is refused/, "-w", "/fds/7", "fdlink", "/bin/sh");
    const id = await engine.ok("run", "-d", "busybox", "sh", "-c", "ln -s /proc/self/fd /fds; sleep 100");
    for (const folder of ["/proc/self/fd/7", "/proc/self/fd/7/../../..", "/fds/7"]) {
      const ran = await engine.docker("exec", "-w", folder, id, "pwd");
      assert.notEqual(ran.code, 0, `${folder}: ${ran.stdout}`);
      assert.match(ran.stderr + ran.stdout, /is refused|readlinkat/);
    }
    await engine.ok("rm", "-f", id);
  });

  it("no odd user becomes root by accident", async () => {
    const passwd =
      "1000:x:0:0::/:/bin/sh\\nbig:x:4294967296:0::/:/bin/sh\\nhex:x:0x0:0::/:/bin/sh\\nvoid:x:::/:/bin/sh\\n";
    await image(
      "users",
      `mkdir -p proc sys dev etc; printf '${passwd}' > etc/passwd`,
      'CMD ["/bin/busybox", "id", "-u"]',
    );
    assert.equal(await inside("-u", "1000", "users"), "1000");
    for (const user of ["4294967296", "18446744073709551616", "-1", "2147483648", "big", "hex", "void", "0x0", "1e3"]) {
      await refused(/uids and gids must be in range|unable to find user/, "-u", user, "users");
    }
    await refused(/range|unable to find group/, "-u", "1000:4294967296", "users");
    const folder = path.join(engine.folder, "user");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nUSER 4294967296\nRUN id\n");
    const built = await engine.docker("build", folder);
    assert.notEqual(built.code, 0);
    assert.match(built.stderr + built.stdout, /uids and gids must be in range/);
    const id = await engine.ok("run", "-d", "busybox", "sleep", "100");
    const exec = await engine.docker("exec", "-u", "4294967296", id, "id");
    assert.notEqual(exec.code, 0);
    await engine.ok("rm", "-f", id);
  });

  it("a newline in a variable stays in its value", async () => {
    const text = await inside("-e", "ODD=one\nPATH=/evil", "busybox", "sh", "-c", 'echo "$ODD"; echo "$PATH"');
    assert.deepEqual(text.split("\n").slice(0, 2), ["one", "PATH=/evil"]);
    assert.doesNotMatch(text.split("\n")[2] ?? "", /evil/);
  });

  it("names with quotes, rules and escapes are refused, labels with them are shown inert", async () => {
    for (const name of ['a"b', "a;flush ruleset", "a\u001b[31m", "a b", "../a", "a\nb", "-a", ""].filter(Boolean)) {
      const query = new URLSearchParams({ name });
      const reply = await engine.get(`/containers/create?${query}`, "POST", { Image: "busybox" });
      assert.equal(reply.status, 400, name);
    }
    for (const name of ['n"x', "n;y", "n\u001b[31m"]) {
      assert.equal((await engine.get("/networks/create", "POST", { Name: name })).status, 400, name);
      assert.equal((await engine.get("/volumes/create", "POST", { Name: name })).status, 400, name);
    }
    const escape = "\u001b]0;title\u0007";
    const id = await engine.ok("create", "--label", `odd=${escape}"; flush ruleset`, "busybox");
    assert.equal(
      (await engine.gantry("ps", "-a", "--format", "{{.Names}} {{.Command}}")).stdout.includes("\u001b"),
      false,
    );
    await engine.ok("rm", id);
  });
});

describe("the engine's doors", () => {
  it("are closed to others: the socket 0660, the data folder for root alone", async () => {
    assert.equal(fs.statSync(engine.socket).mode & 0o777, 0o660);
    assert.equal(fs.statSync(engine.dataRoot).mode & 0o077, 0);
    const bystander = await run("setpriv", ["--reuid", "65534", "--clear-groups", "ls", engine.dataRoot]);
    assert.notEqual(bystander.code, 0);
  });

  it("never open TCP without TLS", async () => {
    const roots = ["--data-root", `${engine.folder}/d2`, "--exec-root", `${engine.folder}/e2`, "--bridge", "gtnone"];
    for (const host of ["tcp://127.0.0.1:0", "tcp://0.0.0.0:2375", "127.0.0.1:2375", "fd://"]) {
      const ran = await run(GANTRYD, [...roots, "-H", host], { timeout: 10_000 });
      assert.equal(ran.code, 1, host);
      assert.match(ran.stderr, /refusing to listen on|invalid host/);
    }
    assert.equal(fs.existsSync(`${engine.folder}/d2`), false);
  });

  it("take JSON up to 4 MiB, and say what is wrong with a body, a version or a path", async () => {
    const post = (path: string, body: string | Buffer, type = "application/json"): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = { "Content-Type": type };
        const request = http.request(
          { socketPath: engine.socket, path, method: "POST", headers, agent: false },
          (reply) => {
            reply.resume();
            reply.on("end", () => resolve(reply.statusCode ?? 0));
          },
        );
        request.on("error", reject);
        request.end(body);
      });
    const large = (size: number): string => JSON.stringify({ Image: "busybox", Labels: { big: "x".repeat(size) } });
    assert.equal(await post("/containers/create?name=large", large(4_000_000)), 201);
    await engine.ok("rm", "large");
    const tooLarge = await post("/containers/create", large(4_300_000)).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok([400, 413, "EPIPE", "ECONNRESET"].includes(tooLarge as number), String(tooLarge));
    for (const body of ["{", "[]", "null", '"text"', "7", "\0"]) {
      assert.equal(await post("/containers/create", body), 400, body);
    }
    const status = async (path: string): Promise<number> => (await engine.get(path)).status;
    assert.equal(await status("/v1.99/containers/json"), 400);
    assert.equal(await status("/v0.1/containers/json"), 400);
    assert.equal(await status("/v1.41/containers/json?unheard=of&all=1"), 200);
    assert.equal(await status("/nowhere"), 404);
    assert.equal(await status("/containers/json?filters=%7B"), 400);
    assert.equal(await status("/containers/%00/json"), 404);
    assert.equal(await status("/containers/..%2F..%2Fetc/json"), 404);
    assert.equal(await engine.ok("ps", "-aq"), "");
  });
});

describe("under a container that takes all it can", () => {
  /** The slowest of the answers to `_ping` in two seconds, in milliseconds. */
  async function slowestPing(): Promise<number> {
    let slowest = 0;
    const end = Date.now() + 2000;
    while (Date.now() < end) {
      const began = performance.now();
      assert.equal((await engine.get("/_ping")).status, 200);
      slowest = Math.max(slowest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return slowest;
  }

  const hogs = {
    "a fork bomb": ["--pids-limit", "200", ...sh("b() { b | b & }; b; sleep 100")],
    "a flood of lines": ["busybox", "yes", "a line that fills the log"],
    "a flood without newlines": ["busybox", "cat", "/dev/zero"],
  };
  for (const [name, args] of Object.entries(hogs)) {
    it(`${name}: the engine answers within 200 ms`, async (t) => {
      const id = await engine.ok("run", "-d", ...args);
      let slowest = await slowestPing();
      // Once more where the machine itself was busy with something else.
      if (slowest >= 200) slowest = await slowestPing();
      t.diagnostic(`slowest ping ${Math.round(slowest)} ms`);
      await engine.ok("rm", "-f", id);
      assert.deepEqual(groupOf(id), []);
      assert.ok(slowest < 200, `${slowest} ms`);
    });
  }
});
