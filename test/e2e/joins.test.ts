import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, before, describe, it } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

afterEach(() => engine.clear());

const KINDS = ["net", "pid", "ipc", "uts", "cgroup"] as const;
const namespaces = async (name: string): Promise<Record<string, string>> => {
  const pid = name === "host" ? "self" : await engine.ok("inspect", "-f", "{{.State.Pid}}", name);
  return Object.fromEntries(KINDS.map((kind) => [kind, fs.readlinkSync(`/proc/${pid}/ns/${kind}`)]));
};
const sleeper = (name: string, ...flags: string[]): Promise<string> =>
  engine.ok("run", "-d", "--init", "--name", name, ...flags, "busybox", "sleep", "1000");

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const refused = async (words: RegExp, ...flags: string[]): Promise<void> => {
    const ran = await run(program, ["run", "--rm", ...flags, "busybox", "true"], { env: engine.env });
    assert.equal(ran.code, 125, ran.stdout + ran.stderr);
    assert.match(ran.stderr, words);
  };

  describe(`namespaces, through ${cli}`, () => {
    it("are the container's own, the host's or another container's", async () => {
      await sleeper("own", "--ipc", "shareable", "--cgroupns", "private");
      const own = await namespaces("own");
      const host = await namespaces("host");
      for (const kind of KINDS) assert.notEqual(own[kind], host[kind], kind);
      const flags = ["--network", "host", "--pid", "host", "--ipc", "host", "--uts", "host", "--cgroupns", "host"];
      await sleeper("open", ...flags);
      assert.deepEqual(await namespaces("open"), host);
      await sleeper("joined", "--network", "container:own", "--pid", "container:own", "--ipc", "container:own");
      const { net, pid, ipc } = await namespaces("joined");
      assert.deepEqual([net, pid, ipc], [own["net"], own["pid"], own["ipc"]]);
      assert.match(await engine.ok("inspect", "-f", "{{.HostConfig.PidMode}}", "joined"), /^container:[0-9a-f]{64}$/);
      assert.equal(await engine.ok("exec", "joined", "hostname"), await engine.ok("exec", "own", "hostname"));
      // whoever joins a PID namespace needs no init of its own
      assert.match(await engine.ok("exec", "joined", "cat", "/proc/1/cmdline"), /docker-init/);
    });

    it("of a container that is not there, is down or keeps them to itself are not joined", async () => {
      for (const kind of ["network", "pid", "ipc"])
        await refused(/No such container: nosuch/, `--${kind}`, "container:nosuch");
      const id = await engine.ok("create", "--name", "down", "busybox", "sleep", "1000");
      await refused(new RegExp(`cannot join network of a non running container: ${id}`), "--network", "container:down");
      await refused(
        new RegExp(`failed to join PID namespace: container ${id} is not running`),
        "--pid",
        "container:down",
      );
      await refused(
        /failed to join IPC namespace: container .* is not running|non-shareable IPC/,
        "--ipc",
        "container:down",
      );
      await engine.ok("start", "down");
      await refused(
        /non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/,
        "--ipc",
        "container:down",
      );
      for (const [flag, what] of [
        [["--hostname", "x"], "hostname and the network mode"],
        [["--dns", "9.9.9.9"], "dns and the network mode"],
        [["--add-host", "a:1.2.3.4"], "custom host-to-IP mapping and the network mode"],
        [["-p", "80:80"], "port publishing and the container type network mode"],
        [["--expose", "80"], "port exposing and the container type network mode"],
      ] as const) {
        await refused(new RegExp(`conflicting options: ${what}`), "--network", "container:down", ...flag);
      }
    });
  });
}

describe("a container that joined another's network", () => {
  it("is on the new one after both were restarted, and does not start without the other", async () => {
    await sleeper("donor");
    await sleeper("guest", "--network", "container:donor");
    await engine.ok("restart", "-t", "0", "donor");
    await engine.ok("restart", "-t", "0", "guest");
    assert.equal((await namespaces("guest"))["net"], (await namespaces("donor"))["net"]);
    assert.equal(
      await engine.ok("exec", "guest", "hostname", "-i"),
      await engine.ok("exec", "donor", "hostname", "-i"),
    );
    await engine.ok("pause", "donor");
    await engine.ok("restart", "-t", "0", "guest");
    await engine.ok("rm", "-f", "donor");
    const alone = await engine.docker("restart", "-t", "0", "guest");
    assert.match(alone.stderr, /No such container: [0-9a-f]{64}/);
  });
});
