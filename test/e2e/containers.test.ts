import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const feed = (input: string | Buffer, ...args: string[]): Promise<Ran> =>
    run(program, args, { env: engine.env, input });
  const out = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `${cli} ${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trimEnd();
  };

  describe(`through ${cli}`, () => {
    it("runs a command, gives its output on the right streams and its exit code", async () => {
      const ran = await call("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
      assert.deepEqual(ran, { code: 7, stdout: "out\n", stderr: "err\n" });
      assert.equal(await out("ps", "-aq"), "");
    });

    it("passes stdin through and ends it", async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7) % 256));
      const ran = await feed(bytes, "run", "-i", "--rm", "busybox", "cat");
      assert.equal(Buffer.from(ran.stdout, "latin1").equals(bytes), true);
    });

    it("ends with 127 for a missing command, 126 for a folder, 125 for a bad name, with one clear message", async () => {
      const missing = await call("run", "--rm", "busybox", "nosuch");
      assert.equal(missing.code, 127);
      assert.match(missing.stderr, /exec: "nosuch": executable file not found in \$PATH/);
      const folder = await call("run", "--rm", "busybox", "/etc");
      assert.equal(folder.code, 126);
      const name = await call("run", "--rm", "--name", "bad name", "busybox");
      assert.equal(name.code, 125);
      assert.match(name.stderr, /Invalid container name \(bad name\)/);
      assert.equal(await out("ps", "-aq"), "");
    });

    it("refuses an unknown flag with 125 and says which", async () => {
      const ran = await call("run", "--frobnicate", "busybox");
      assert.equal(ran.code, 125);
      assert.match(ran.stderr, /unknown flag: --frobnicate/);
    });

    it("refuses a name that is taken and says by whom", async () => {
      const id = await out("create", "--name", "taken", "busybox");
      const second = await call("create", "--name", "taken", "busybox");
      assert.equal(second.code, 1);
      assert.match(second.stderr, new RegExp(`The container name "/taken" is already in use by container "${id}"`));
      await out("rm", "taken");
    });

    it("sets user, folder, environment, hostname, limits, capabilities and a read-only root", async () => {
      const text = await out(
        ...["run", "--rm", "-u", "1000:1001", "-w", "/tmp", "-e", "A=b c", "--hostname", "lift", "--memory", "64m"],
        ...["--pids-limit", "50", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "busybox", "sh", "-c"],
        'id -u; id -g; pwd; echo "$A"; hostname; touch /x 2>&1; touch /tmp/x && echo written; grep CapBnd /proc/self/status',
      );
      assert.deepEqual(text.split("\n"), [
        ...["1000", "1001", "/tmp", "b c", "lift", "touch: /x: Read-only file system", "written"],
        "CapBnd:\t0000000000000000",
      ]);
    });

    it("reaps zombies and passes signals on with --init", async () => {
      const id = await out("run", "-d", "--init", "busybox", "sleep", "100");
      assert.match(await out("exec", id, "cat", "/proc/1/cmdline"), /init/);
      assert.equal(await out("stop", "-t", "5", id), id);
      assert.equal(await out("inspect", "-f", "{{.State.ExitCode}}", id), "143");
      await out("rm", id);
    });

    it("tells where a container's tree lies on the host", async () => {
      const data = async (name: string): Promise<Record<string, string>> =>
        JSON.parse(await out("inspect", "-f", "{{json .GraphDriver.Data}}", name));
      const id = await out("run", "-d", "--name", "lies", "busybox", "sh", "-c", "echo x >/new; sleep 1000");
      const image = await data("busybox");
      const up = await data(id);
      assert.deepEqual(Object.keys(up).toSorted(), ["ID", "LowerDir", "MergedDir", "UpperDir", "WorkDir"]);
      assert.equal(up["LowerDir"], image["UpperDir"]);
      for (const name of ["LowerDir", "MergedDir"]) assert.ok(fs.existsSync(`${up[name]}/bin/sh`), name);
      await until(() => fs.existsSync(`${up["UpperDir"]}/new`), { what: "the file" });
      assert.equal(fs.readFileSync(`${up["MergedDir"]}/new`, "utf8"), "x\n");
      assert.ok(fs.existsSync(up["WorkDir"] ?? ""));
      await out("kill", id);
      assert.deepEqual(await data(id), up);
      await out("rm", id);
    });

    it("sends the stop signal also where -t 0 leaves no time for it", async () => {
      const id = await out("run", "-d", "busybox", "sleep", "1000");
      await out("stop", "-t", "0", id);
      assert.equal(await out("inspect", "-f", "{{.State.ExitCode}}", id), "137");
      const at = String(Math.floor(Date.now() / 1000) + 1);
      const filters = ["--filter", `container=${id}`, "--filter", "event=kill", "--since", "0", "--until", at];
      const signals = await out("events", ...filters, "--format", "{{.Actor.Attributes.signal}}");
      assert.equal(signals, "15\n9");
      await out("rm", id);
    });

    it("stops, starts, restarts, pauses, renames, kills and removes", async () => {
      await out(
        "run",
        "-d",
        "--name",
        "life",
        "busybox",
        "sh",
        "-c",
        'trap "exit 5" TERM; while :; do sleep 0.1; done',
      );
      const state = (): Promise<string> => out("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life");
      assert.equal(await state(), "running 0");
      await out("pause", "life");
      assert.equal(await state(), "paused 0");
      const exec = await call("exec", "life", "true");
      assert.equal(exec.code, 1);
      assert.match(exec.stderr, /is paused, unpause the container before exec/);
      await out("unpause", "life");
      await out("stop", "life");
      assert.equal(await state(), "exited 5");
      await out("start", "life");
      await out("restart", "-t", "1", "life");
      assert.equal(await state(), "running 0");
      const refused = await call("rm", "life");
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /container is running: stop the container before removing or force remove/);
      await out("rename", "life", "afterlife");
      await out("kill", "afterlife");
      assert.equal(await out("wait", "afterlife"), "137");
      await out("rm", "afterlife");
    });

    it("runs further commands with exec, gives their exit codes and output", async () => {
      const id = await out("run", "-d", "-e", "FROM=run", "busybox", "sleep", "100");
      assert.deepEqual(await call("exec", id, "sh", "-c", "echo out; echo err >&2; exit 3"), {
        code: 3,
        stdout: "out\n",
        stderr: "err\n",
      });
      assert.equal(
        await out(
          "exec",
          "-e",
          "MORE=exec",
          "-w",
          "/etc",
          "-u",
          "7",
          id,
          "sh",
          "-c",
          "echo $FROM $MORE $(pwd) $(id -u)",
        ),
        "run exec /etc 7",
      );
      assert.equal((await feed("typed", "exec", "-i", id, "cat")).stdout, "typed");
      const missing = await call("exec", id, "nosuch");
      assert.equal(missing.code, 127);
      assert.match(missing.stdout + missing.stderr, /executable file not found in \$PATH/);
      await out("exec", "-d", id, "touch", "/detached");
      await until(async () => (await call("exec", id, "ls", "/detached")).code === 0, { what: "the detached exec" });
      assert.match(await out("top", id), /sleep 100/);
      await out("rm", "-f", id);
    });

    it("keeps logs byte for byte: CRs, no newline at the end, binary, 1 MB lines", async () => {
      const script = 'printf "a\\rb\\r\\n\\000\\377x\\n"; head -c 1048576 /dev/zero | tr "\\000" y; echo; printf end';
      await out("run", "--name", "logs", "busybox", "sh", "-c", script);
      const ran = await call("logs", "logs");
      assert.equal(ran.stdout, `a\rb\r\n\0\xffx\n${"y".repeat(1 << 20)}\nend`);
      assert.equal((await call("logs", "--tail", "1", "logs")).stdout, "end");
      assert.equal((await call("logs", "-t", "--tail", "1", "logs")).stdout.replace(/^\S+Z /, ""), "end");
      await out("rm", "logs");
    });

    it("follows logs until the container ends, from a time on and up to one", async () => {
      await out("run", "-d", "--name", "ticks", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done");
      assert.equal(await out("logs", "-f", "ticks"), "1\n2\n3");
      const stamps = (await out("logs", "-t", "ticks")).split("\n").map((line) => line.split(" ")[0] as string);
      assert.equal(await out("logs", "--since", stamps[1] as string, "ticks"), "2\n3");
      assert.equal(await out("logs", "--until", stamps[1] as string, "ticks"), "1\n2");
      await out("rm", "ticks");
    });

    it("lists with filters and formats", async () => {
      const up = await out("run", "-d", "--name", "up1", "--label", "tier=web", "busybox", "sleep", "100");
      assert.equal((await call("run", "--name", "down1", "busybox", "sh", "-c", "exit 3")).code, 3);
      assert.equal(await out("ps", "--format", "{{.Names}}"), "up1");
      assert.equal(await out("ps", "-a", "--format", "{{.Names}} {{.Image}}"), "down1 busybox\nup1 busybox");
      assert.equal(await out("ps", "-aq", "--filter", "exited=3"), (await out("ps", "-lq")).trim());
      assert.equal(await out("ps", "-q", "--no-trunc", "--filter", "label=tier=web"), up);
      assert.equal(await out("ps", "-n", "1", "--format", "{{.Names}}"), "down1");
      assert.match(await out("ps", "-as", "--format", "{{.Size}}"), /^0B \(virtual 1\.98MB\)/m);
      const bad = await call("ps", "--filter", "nosuch=1");
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /invalid filter 'nosuch'/);
      await out("rm", "-f", "up1", "down1");
    });

    it("restarts on failure as often as asked, and always", async () => {
      await out("run", "-d", "--name", "flaky", "--restart", "on-failure:2", "busybox", "sh", "-c", "exit 4");
      const facts = (): Promise<string> =>
        out("inspect", "-f", "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}", "flaky");
      await until(async () => (await facts()) === "exited 2 4", { what: "two restarts" });
      await out("rm", "flaky");
    });

    it("says 137 and OOMKilled for a container that the kernel killed for memory, and not for a killed one", async () => {
      const hog = 'x=$(head -c 50000000 /dev/zero | tr "\\000" a); echo $x | wc -c';
      const ran = await call("run", "--name", "hog", "--memory", "16m", "busybox", "sh", "-c", hog);
      assert.equal(await out("inspect", "-f", "{{.State.OOMKilled}}", "hog"), "true", `exit ${ran.code}`);
      await out("rm", "hog");
      await out("run", "-d", "--name", "victim", "busybox", "sleep", "100");
      await out("kill", "victim");
      assert.equal(await out("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "victim"), "false 137");
      await out("rm", "victim");
    });

    it("checks health and says so", async () => {
      await out(
        ...["run", "-d", "--name", "sick", "--health-cmd", "test -e /well", "--health-interval", "200ms"],
        ...["--health-retries", "2", "busybox", "sleep", "100"],
      );
      const health = (): Promise<string> => out("inspect", "-f", "{{.State.Health.Status}}", "sick");
      assert.equal(await health(), "starting");
      await until(async () => (await health()) === "unhealthy", { what: "unhealthy" });
      await out("exec", "sick", "touch", "/well");
      await until(async () => (await health()) === "healthy", { what: "healthy" });
      assert.match(await out("ps"), /\(healthy\)/);
      await out("rm", "-f", "sick");
    });

    it("writes the id to a file, reads variables from one", async () => {
      const file = `${engine.folder}/${cli}.cid`;
      const id = await out("run", "-d", "--cidfile", file, "busybox", "sleep", "100");
      assert.equal((await run("cat", [file])).stdout, id);
      await out("rm", "-f", id);
      const list = `${engine.folder}/${cli}.env`;
      await run("sh", ["-c", `printf '# note\\nONE=1\\nTWO=two words\\n' > ${list}`]);
      assert.equal(
        await out("run", "--rm", "--env-file", list, "busybox", "sh", "-c", "echo $ONE $TWO"),
        "1 two words",
      );
    });

    it("tells what happened through events", async () => {
      const since = String(Math.floor(Date.now() / 1000));
      await out("run", "--rm", "--name", "eventful", "busybox", "true");
      const until = String(Math.ceil(Date.now() / 1000) + 1);
      const text = await out(
        "events",
        "--since",
        since,
        "--until",
        until,
        "--filter",
        "container=eventful",
        "--format",
        "{{.Action}}",
      );
      assert.deepEqual(text.split("\n"), ["create", "attach", "start", "die", "destroy"]);
    });

    it("gives version and info", async () => {
      assert.match(await out("version", "--format", "{{.Server.APIVersion}}"), /^1\.\d+$/);
      assert.equal(await out("info", "--format", "{{.Driver}} {{.OSType}}"), "overlay2 linux");
    });

    it("grants privileged containers what the host can grant, and devices", async () => {
      assert.equal(
        await out(
          "run",
          "--rm",
          "--privileged",
          "busybox",
          "sh",
          "-c",
          "test -c /dev/kmsg -o -b /dev/vda -o -c /dev/null && echo yes",
        ),
        "yes",
      );
      assert.equal(
        await out(
          "run",
          "--rm",
          "--cap-add",
          "NET_ADMIN",
          "busybox",
          "sh",
          "-c",
          "ip link set lo mtu 1400 && echo yes",
        ),
        "yes",
      );
    });
  });
}
