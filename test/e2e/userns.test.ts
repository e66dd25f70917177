import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const DEFAULT_USER = "dockremap";

let engine: TestEngine;
let madeUser = false;
/** The host's id for the containers' root. */
let base = 0;

before(async () => {
  madeUser = (await run("getent", ["passwd", DEFAULT_USER], { env: process.env })).code !== 0;
  engine = await TestEngine.start({ flags: ["--userns-remap", "default"] });
  base = Number(/^dockremap:(\d+):65536$/m.exec(fs.readFileSync("/etc/subuid", "utf8"))?.[1]);
  assert.ok(base >= 100_000, "dockremap has a range");
});
after(async () => {
  await engine.end();
  if (madeUser) await run("userdel", [DEFAULT_USER], { env: process.env });
});

const owner = (file: string): string => {
  const { uid, gid } = fs.lstatSync(file);
  return `${uid}:${gid}`;
};
const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
  const ran = await engine.docker(...args);
  assert.notEqual(ran.code, 0, ran.stdout);
  assert.match(ran.stderr, words);
};
const build = async (name: string, lines: string[], files: Record<string, string> = {}): Promise<Ran> => {
  const context = fs.mkdtempSync(path.join(engine.folder, "context-"));
  fs.writeFileSync(path.join(context, "Dockerfile"), lines.join("\n"));
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(context, file), text, { mode: 0o600 });
  const ran = await engine.docker("build", "-t", name, context);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  return ran;
};
const up = async (name: string, ...args: string[]): Promise<{ pid: string; upper: string }> => {
  const id = await engine.ok("run", "-d", "--name", name, ...args);
  const pid = await engine.ok("inspect", "-f", "{{.State.Pid}}", name);
  return { pid, upper: path.join(engine.dataRoot, "workspaces", id, "upper") };
};
const sh = (script: string, ...flags: string[]): Promise<string> =>
  engine.ok("run", "--rm", ...flags, "busybox", "sh", "-c", script);

describe("a container under userns-remap", () => {
  it("has a root that is an ordinary user of the host", async () => {
    const { pid } = await up("plain", "busybox", "sleep", "1000");
    assert.match(fs.readFileSync(`/proc/${pid}/uid_map`, "utf8"), new RegExp(`^\\s*0\\s+${base}\\s+65536\\n$`));
    assert.match(fs.readFileSync(`/proc/${pid}/status`, "utf8"), new RegExp(`^Uid:\\s+${base}\\s+${base}`, "m"));
    assert.equal(await engine.ok("exec", "plain", "id", "-u"), "0");
    assert.match(await engine.ok("top", "plain", "-eo", "pid,uid,args"), new RegExp(`${base} +sleep 1000`));
    await engine.ok("rm", "-f", "plain");
  });

  it("owns its files, of which the disk keeps the image's owners", async () => {
    const { pid, upper } = await up(
      ...([
        "files",
        "busybox",
        "sh",
        "-c",
        "touch /mine /his; chown 33:44 /his; echo x >>/etc/passwd; sleep 1000",
      ] as const),
    );
    await until(() => fs.existsSync(`${upper}/etc/passwd`), { what: "the files" });
    assert.equal(
      await engine.ok("exec", "files", "stat", "-c", "%u:%g", "/mine", "/his", "/bin", "/etc/mtab"),
      "0:0\n33:44\n0:0\n0:0",
    );
    const onDisk = ["mine", "his", "etc/passwd", "etc/mtab"].map((name) => owner(`${upper}/${name}`));
    assert.deepEqual(onDisk, ["0:0", "33:44", "0:0", "0:0"]);
    assert.equal(owner(`/proc/${pid}/root/his`), `${base + 33}:${base + 44}`);
    assert.match(await engine.ok("diff", "files"), /^A \/his$/m);
    await engine.ok("rm", "-f", "files");
  });

  it("keeps out of what is the host's", async () => {
    const folder = fs.mkdtempSync(path.join(engine.folder, "bind-"));
    fs.chmodSync(folder, 0o755);
    fs.writeFileSync(path.join(folder, "secret"), "the host's", { mode: 0o600 });
    const seen = await sh("stat -c %u /b/secret; cat /b/secret 2>&1; touch /b/new 2>&1; true", "-v", `${folder}:/b`);
    assert.match(seen, /^65534\ncat: .*Permission denied\ntouch: .*Permission denied$/);
    // the views of layers and workspaces are for root alone, the roots for containers' root
    assert.equal(fs.statSync(path.join(engine.execRoot, "mapped")).mode & 0o777, 0o700);
    const roots = fs.statSync(path.join(engine.execRoot, "roots"));
    assert.deepEqual([roots.mode & 0o777, roots.uid, roots.gid], [0o710, 0, base]);
    for (const closed of [engine.dataRoot, path.join(engine.execRoot, "mapped/layers")]) {
      const ran = await run("setpriv", [`--reuid=${base}`, `--regid=${base}`, "--clear-groups", "ls", closed], {
        env: process.env,
      });
      assert.match(ran.stderr, /Permission denied/);
    }
    assert.equal(owner("/dev/null"), "0:0");
  });

  it("may manage its own network, use its streams, and write its /etc", async () => {
    const said = await sh(
      "ip addr add 10.9.9.9/32 dev lo && ip addr show lo | grep -c 10.9.9.9; echo out >/dev/stdout; echo '1.2.3.4 n' >>/etc/hosts && grep -c 1.2.3.4 /etc/hosts; sysctl -n net.ipv4.conf.all.forwarding; cat /proc/sys/net/ipv4/ping_group_range",
      ...["--cap-add", "NET_ADMIN", "--sysctl", "net.ipv4.conf.all.forwarding=1"],
    );
    assert.equal(said.replace(/\s+/g, " "), "1 out 1 1 0 65535");
  });

  it("can be entered as anybody, with a terminal or none", async () => {
    const { pid } = await up("entered", "--init", "busybox", "sleep", "1000");
    assert.equal(
      await engine.ok("exec", "-u", "1000:1001", "entered", "sh", "-c", "id -u; id -g; touch /tmp/f"),
      "1000\n1001",
    );
    assert.equal(owner(`/proc/${pid}/root/tmp/f`), `${base + 1000}:${base + 1001}`);
    const terminal = await engine.ok("exec", "-t", "-u", "1000", "entered", "sh", "-c", "tty; id -u");
    assert.equal(terminal.trim(), "/dev/pts/0\r\n1000");
    assert.match(
      await engine.ok("exec", "--privileged", "entered", "cat", "/proc/self/uid_map"),
      new RegExp(`${base}`),
    );
    await engine.ok("rm", "-f", "entered");
  });

  it("has limits below the host's, also ones that only the host's root could raise", async () => {
    assert.equal(
      await sh(
        "ulimit -n; cat /proc/self/oom_score_adj >/dev/null",
        "--ulimit",
        "nofile=1000000:1000000",
        "--oom-score-adj",
        "-500",
        "--memory",
        "64m",
      ).then((n) => Number(n) > 0),
      true,
    );
    assert.equal(
      await sh("touch /x 2>&1; touch /t/x && stat -c %u /t/x", "--read-only", "--tmpfs", "/t"),
      "touch: /x: Read-only file system\n0",
    );
    assert.equal(await sh("stat -c %u:%a /dev/shm", "--ipc", "shareable"), "0:1777");
  });

  it("answers on a published port and is told its health", async () => {
    const port = 20_000 + (base % 1000) + Math.floor(Math.random() * 20_000);
    await up(
      "served",
      "-p",
      `127.0.0.1:${port}:80`,
      "--health-cmd",
      "test $(id -u) = 0",
      "--health-interval",
      "100ms",
      "busybox",
      "nc",
      "-ll",
      "-p",
      "80",
      "-e",
      "echo",
      "served",
    );
    const ask = (): Promise<string> =>
      new Promise((resolve) => {
        let text = "";
        const socket = net.connect(port, "127.0.0.1");
        socket.on("data", (chunk) => (text += chunk.toString())).on("close", () => resolve(text));
        socket.on("error", () => {});
      });
    await until(async () => (await ask()) === "served\n", { what: "an answer" });
    await until(async () => (await engine.ok("inspect", "-f", "{{.State.Health.Status}}", "served")) === "healthy", {
      what: "its health",
    });
    await engine.ok("rm", "-f", "served");
  });
});

describe("volumes under userns-remap", () => {
  it("belong to the containers' root, named, anonymous and made by a bind", async () => {
    await engine.ok("volume", "create", "fresh");
    const place = await engine.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "fresh");
    assert.equal(owner(place), `${base}:${base}`);
    const bound = path.join(engine.folder, "made/below");
    const mounts = ["-v", "fresh:/v", "-v", "/anonymous", "-v", `${bound}:/b`];
    assert.equal(await sh("touch /v/f /anonymous/f /b/f && stat -c %u /v /anonymous /b/f", ...mounts), "0\n0\n0");
    assert.deepEqual(
      [`${place}/f`, bound, `${bound}/f`, path.dirname(bound)].map(owner),
      Array(4).fill(`${base}:${base}`),
    );
    assert.equal(await sh("stat -c %u /v/f", "-v", "fresh:/v", "--userns=host"), String(base));
    const image = ["--mount", "type=image,source=busybox,target=/i"];
    assert.equal(await sh("stat -c %u /i/bin", ...image), "0");
  });

  it("are filled with the image's files, shifted", async () => {
    await build("filled", [
      "FROM busybox",
      "RUN mkdir /data && touch /data/f && chown -R 33:44 /data && chmod 4711 /data/f",
    ]);
    assert.equal(
      await engine.ok("run", "--rm", "-v", "filled:/data", "filled", "stat", "-c", "%u:%g %a", "/data", "/data/f"),
      "33:44 755\n33:44 4711",
    );
    const place = await engine.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "filled");
    assert.deepEqual([place, `${place}/f`].map(owner), Array(2).fill(`${base + 33}:${base + 44}`));
  });
});

describe("a remapped container's files from outside", () => {
  const listed = (tar: string): string[] =>
    execFileSync("tar", ["-tv", "--numeric-owner", "-f", "-"], { input: Buffer.from(tar, "latin1"), encoding: "utf8" })
      .split("\n")
      .map((line) => line.split(/\s+/))
      .map(([mode, ids, , , , name]) => `${mode?.[0]} ${ids?.replace("/", ":")} ${name}`);

  it("have the container's ids in cp, both ways, running or not, also in volumes", async () => {
    const volume = ["-v", "copied:/vol", "--tmpfs", "/tmpfs"];
    const { upper } = await up(
      "copies",
      ...volume,
      "busybox",
      "sh",
      "-c",
      "touch /vol/f; chown 33:44 /vol/f; sleep 1000",
    );
    const tar = fs.mkdtempSync(path.join(engine.folder, "tar-"));
    fs.mkdirSync(path.join(tar, "in/deep"), { recursive: true });
    fs.writeFileSync(path.join(tar, "in/deep/f"), "x");
    fs.chownSync(path.join(tar, "in/deep/f"), 5, 6);
    for (const state of ["running", "down"]) {
      for (const place of ["/", "/vol/"]) {
        await engine.ok("cp", "-a", path.join(tar, "in"), `copies:${place}${state}`);
        const back = (await engine.docker("cp", `copies:${place}${state}`, "-")).stdout;
        assert.deepEqual(listed(back).slice(0, 3), [
          `d 0:0 ${state}/`,
          `d 0:0 ${state}/deep/`,
          `- 5:6 ${state}/deep/f`,
        ]);
      }
      assert.deepEqual(listed((await engine.docker("cp", "copies:/vol/f", "-")).stdout)[0], "- 33:44 f");
      const all = await engine.docker("cp", "copies:/", "-");
      assert.equal(
        listed(all.stdout).some((line) => /^d 0:0 \/?proc\/./.test(line)),
        false,
        "no kernel's files",
      );
      assert.equal(owner(`${upper}/${state}/deep/f`), "5:6");
      if (state === "running") await engine.ok("stop", "-t", "0", "copies");
    }
    assert.deepEqual(listed((await engine.docker("export", "copies")).stdout).includes("- 5:6 down/deep/f"), true);
    fs.chownSync(path.join(tar, "in/deep/f"), 70_000, 6);
    await refused(/user namespace does not have/, "cp", "-a", path.join(tar, "in"), "copies:/more");
    await engine.ok("start", "copies");
    assert.equal(await engine.ok("exec", "copies", "stat", "-c", "%u:%g", "/running/deep/f", "/vol/down"), "5:6\n0:0");
    await engine.ok("rm", "-fv", "copies");
  });

  it("keep ids and capabilities in commits and exports", async () => {
    const libraries = ["/usr", "/lib", "/lib64"].flatMap((folder) => ["-v", `${folder}:${folder}:ro`]);
    await engine.ok(
      ...["run", "--name", "capable", ...libraries, "busybox", "sh", "-c"],
      "cp /bin/busybox /bin/busybox-ping && chown 0:7 /bin/busybox-ping && /usr/sbin/setcap cap_net_raw+ep /bin/busybox-ping",
    );
    await engine.ok("commit", "capable", "committed");
    const exported = await run("docker", ["export", "-o", path.join(engine.folder, "export.tar"), "capable"], {
      env: engine.env,
    });
    assert.equal(exported.code, 0, exported.stderr);
    await engine.ok("import", path.join(engine.folder, "export.tar"), "imported");
    for (const image of ["committed", "imported"]) {
      for (const flags of [[], ["--userns=host"]]) {
        const ping = ["-u", "1000", image, "/bin/busybox-ping", "ping", "-c1", "127.0.0.1"];
        assert.match(
          await engine.ok("run", "--rm", ...flags, ...ping),
          /1 packets received/,
          `${image} ${flags.join(" ")}`,
        );
      }
      assert.equal(await engine.ok("run", "--rm", image, "stat", "-c", "%u:%g", "/bin/busybox-ping"), "0:7");
    }
    await engine.ok("rm", "capable");
  });
});

describe("builds under userns-remap", () => {
  it("run their steps remapped and make layers with the image's owners", async () => {
    const { stdout } = await build(
      "made",
      [
        "FROM busybox AS first",
        "RUN cat /proc/self/uid_map && mkdir /out && echo 1 >/out/f && chown 5:6 /out/f && chmod 600 /out/f",
        "FROM busybox",
        "WORKDIR /w",
        "COPY --chown=7:8 ours .",
        "RUN --mount=type=bind,target=/ctx --mount=type=bind,from=first,source=/out,target=/first --mount=type=cache,target=/cache cat /ctx/ours /first/f && touch /cache/f && stat -c %u:%g /first/f",
        "RUN rm /bin/ping && cp /bin/busybox /bin/busybox-suid && chmod 4755 /bin/busybox-suid",
        "RUN rm -r /var/spool && chown -h 9:9 /bin/ls",
      ],
      { ours: "a file for its owner\n" },
    );
    assert.match(stdout, new RegExp(`0 +${base} +65536`));
    assert.match(stdout, /a file for its owner\n1\n5:6/);
    for (const flags of [[], ["--userns=host"]]) {
      const said = await engine.ok(
        "run",
        "--rm",
        ...flags,
        "made",
        "sh",
        "-c",
        "stat -c '%u:%g %a' /w/ours /bin/busybox-suid; stat -c %u /bin/ls; ls /bin/ping /var/spool /cache 2>&1 | wc -l",
      );
      assert.equal(said, "7:8 600\n0:0 4755\n9\n3", flags.join(" "));
    }
    // a setuid program makes the containers' root of a user
    const pinged = await engine.ok(
      "run",
      "--rm",
      "-u",
      "1234",
      "made",
      "/bin/busybox-suid",
      "ping",
      "-c1",
      "127.0.0.1",
    );
    assert.match(pinged, /1 packets received/);
    await refused(/permission denied/, "run", "--rm", "-u", "1234", "made", "/bin/busybox", "ping", "-c1", "127.0.0.1");
    await refused(
      /cannot share the host's network namespace/,
      "build",
      "--network",
      "host",
      "--no-cache",
      await contextOf("FROM busybox\nRUN true"),
    );
  });
});

async function contextOf(text: string): Promise<string> {
  const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
  fs.writeFileSync(path.join(folder, "Dockerfile"), text);
  return folder;
}

describe("--userns=host and namespaces of others", () => {
  it("gives a container the host's own ids, on the same layers", async () => {
    const { pid, upper } = await up(
      "hosts",
      "--userns=host",
      "--privileged",
      "busybox",
      "sh",
      "-c",
      "touch /f; sleep 1000",
    );
    await until(() => fs.existsSync(`${upper}/f`), { what: "the file" });
    assert.equal(fs.readlinkSync(`/proc/${pid}/ns/user`), fs.readlinkSync("/proc/self/ns/user"));
    assert.equal(owner(`/proc/${pid}/root/f`), "0:0");
    assert.equal(await engine.ok("inspect", "-f", "{{.HostConfig.UsernsMode}}", "hosts"), "host");
    await refused(
      /belongs to another user namespace/,
      "run",
      "--rm",
      "--network",
      "container:hosts",
      "busybox",
      "true",
    );
    await engine.ok("rm", "-f", "hosts");
  });

  it("puts who joins a container's namespaces into its user namespace", async () => {
    const { pid } = await up("donor", "--ipc", "shareable", "busybox", "sleep", "1000");
    const user = fs.readlinkSync(`/proc/${pid}/ns/user`);
    for (const flag of ["--network", "--ipc", "--pid"]) {
      assert.equal(await sh("readlink /proc/self/ns/user; touch /x", flag, "container:donor"), user, flag);
    }
    assert.notEqual(await sh("readlink /proc/self/ns/user"), user);
    assert.match(await sh("ip a show eth0", "--userns=host", "--network", "container:donor"), /inet /);
    await engine.ok("rm", "-f", "donor");
  });

  it("is refused in Docker's words where it cannot be", async () => {
    await refused(
      /privileged mode is incompatible with user namespaces/,
      "run",
      "--rm",
      "--privileged",
      "busybox",
      "true",
    );
    await refused(
      /cannot share the host's network namespace when user namespaces are enabled/,
      "run",
      "--rm",
      "--network=host",
      "busybox",
      "true",
    );
    await refused(
      /cannot share the host PID namespace when user namespaces are enabled/,
      "run",
      "--rm",
      "--pid=host",
      "busybox",
      "true",
    );
    await refused(/invalid USER mode/, "run", "--rm", "--userns=mine", "busybox", "true");
    assert.equal(await sh("id -u", "--ipc=host"), "0");
    const ran = await run(GANTRY, ["run", "--rm", "--userns=host", "--network=host", "busybox", "id", "-u"], {
      env: engine.env,
    });
    assert.equal(ran.stdout, "0\n", ran.stderr);
    assert.match(await engine.ok("info", "-f", "{{.SecurityOptions}}"), /name=userns/);
  });

  it("works with runc as well", async () => {
    const said = await sh("cat /proc/self/uid_map; touch /f && stat -c %u /f", "--runtime", "runc");
    assert.match(said, new RegExp(`^\\s*0\\s+${base}\\s+65536\\n0$`));
    await up("slower", "--runtime", "runc", "-u", "1000", "busybox", "sh", "-c", "echo out >/dev/stdout; sleep 1000");
    assert.equal(await engine.ok("exec", "slower", "sh", "-c", "echo exec >/dev/stdout"), "exec");
    await until(async () => (await engine.ok("logs", "slower")) === "out", { what: "what it said" });
    await engine.ok("rm", "-f", "slower");
    assert.equal(owner("/dev/null"), "0:0");
  });
});

describe("an engine that comes back", () => {
  const flags = (remap: string[]): void => void engine.flags.splice(0, engine.flags.length, ...remap);

  it("adopts remapped containers after kill -9, and starts them under another remap or none", async () => {
    await up("stays", "-v", "data:/data", "busybox", "sh", "-c", "echo $$ >/mine; chown 33 /mine; sleep 1000");
    await engine.crash();
    await engine.up();
    assert.equal(await engine.ok("exec", "stays", "stat", "-c", "%u", "/mine"), "33");

    await engine.down();
    assert.deepEqual(fs.existsSync(path.join(engine.execRoot, "mapped")), false);
    flags([]);
    await engine.up();
    assert.equal(
      await engine.ok("exec", "-t", "stays", "cat", "/proc/1/uid_map").then((text) => text.includes(String(base))),
      true,
    );
    await engine.ok("restart", "-t", "0", "stays");
    assert.equal(
      await engine.ok("exec", "stays", "sh", "-c", "stat -c %u /mine; grep -c 4294967295 /proc/self/uid_map"),
      "33\n1",
    );

    await engine.crash();
    flags(["--userns-remap", "default"]);
    await engine.up();
    await engine.ok("restart", "-t", "0", "stays");
    assert.equal(
      await engine.ok("exec", "stays", "sh", "-c", "stat -c %u /mine; grep -c 4294967295 /proc/self/uid_map; true"),
      "33\n0",
    );
    await engine.crash();
    await engine.up();
    await engine.ok("rm", "-fv", "stays");
  });

  it("says why it will not start", async () => {
    await engine.down();
    for (const [remap, words] of [
      ["nobody-of-that-name", /there is no user "nobody-of-that-name"/],
      ["a:b:c", /invalid user\/group specification in --userns-remap: "a:b:c"/],
      ["daemon", /no subuid ranges found for "daemon" in \/etc\/subuid/],
    ] as const) {
      flags(["--userns-remap", remap]);
      await assert.rejects(engine.up(), words);
    }
    fs.chmodSync(engine.folder, 0o700);
    flags(["--userns-remap", "default"]);
    await assert.rejects(engine.up(), /may not pass through/);
    fs.chmodSync(engine.folder, 0o711);
    await engine.up();
  });
});
