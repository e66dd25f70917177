import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { groupFile, UNIFIED } from "../support/groups.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** A disk of this machine, and its numbers. */
const disk = fs
  .readdirSync("/sys/block")
  .find((name) => /^(vd|sd|nvme|xvd)/.test(name) && fs.existsSync(`/dev/${name}`));
const numbers = disk === undefined ? "" : fs.readFileSync(`/sys/block/${disk}/dev`, "utf8").trim();

const V1 = UNIFIED && "this machine has cgroup v2 alone";
const mayRaise =
  (Number.parseInt(/CapBnd:\s*([0-9a-f]+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))![1]!.slice(-8), 16) >>>
    24) %
    2 ===
  1;

/** Starts a container with these limits, looks at it from outside, and removes it. */
async function limited<T>(
  args: string[],
  look: (facts: { id: string; pid: string; warnings: string }) => T | Promise<T>,
): Promise<T> {
  const ran = await engine.docker("run", "-d", ...args, "busybox", "sleep", "1000");
  assert.equal(ran.code, 0, ran.stderr);
  const id = ran.stdout.trim();
  try {
    return await look({ id, pid: await engine.ok("inspect", "-f", "{{.State.Pid}}", id), warnings: ran.stderr });
  } finally {
    await engine.ok("rm", "-f", id);
  }
}

const proc = (pid: string, file: string): string => fs.readFileSync(`/proc/${pid}/${file}`, "utf8");

describe("limits, as the kernel has them", () => {
  it("memory, swap, reservation, CPU time, shares, sets and pids", async () => {
    const args = ["-m", "64m", "--memory-swap", "96m", "--memory-reservation", "32m", "--cpu-period", "50000"];
    await limited(
      [
        ...args,
        "--cpu-quota",
        "20000",
        "--cpu-shares",
        "512",
        "--cpuset-cpus",
        "0",
        "--cpuset-mems",
        "0",
        "--pids-limit",
        "44",
      ],
      ({ id }) => {
        assert.equal(groupFile(id, "memory.limit_in_bytes", "memory.max"), String(64 << 20));
        assert.equal(
          groupFile(id, "memory.memsw.limit_in_bytes", "memory.swap.max"),
          String((UNIFIED ? 32 : 96) << 20),
        );
        assert.equal(groupFile(id, "memory.soft_limit_in_bytes", "memory.low"), String(32 << 20));
        assert.equal(groupFile(id, "cpu.cfs_quota_us", "cpu.max").split(" ")[0], "20000");
        assert.equal(groupFile(id, "cpu.cfs_period_us", "cpu.max").split(" ").at(-1), "50000");
        assert.equal(groupFile(id, "cpu.shares", "cpu.weight"), UNIFIED ? "20" : "512");
        assert.equal(groupFile(id, "cpuset.cpus", "cpuset.cpus"), "0");
        assert.equal(groupFile(id, "cpuset.mems", "cpuset.mems"), "0");
        assert.equal(groupFile(id, "pids.max", "pids.max"), "44");
      },
    );
  });

  it("no limit, where that is said aloud", async () => {
    await limited(["-m", "64m", "--memory-swap", "-1", "--cpu-quota", "-1", "--pids-limit", "-1"], ({ id }) => {
      assert.match(groupFile(id, "memory.memsw.limit_in_bytes", "memory.swap.max"), /^(max|9223372036854771712)$/);
      assert.match(groupFile(id, "cpu.cfs_quota_us", "cpu.max"), /^(max|-1)/);
      assert.equal(groupFile(id, "pids.max", "pids.max"), "max");
    });
  });

  it("swappiness, the OOM killer and TCP's memory", { skip: V1 }, async () => {
    await limited(["-m", "64m", "--memory-swappiness", "30", "--oom-kill-disable"], ({ id }) => {
      assert.equal(groupFile(id, "memory.swappiness", ""), "30");
      assert.match(groupFile(id, "memory.oom_control", ""), /^oom_kill_disable 1$/m);
    });
    const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { KernelMemoryTCP: 16 << 20 } };
    const { text } = await engine.get("/v1.51/containers/create", "POST", body);
    const { Id: id } = JSON.parse(text) as { Id: string };
    await engine.ok("start", id);
    assert.equal(groupFile(id, "memory.kmem.tcp.limit_in_bytes", ""), String(16 << 20));
    await engine.ok("rm", "-f", id);
  });

  it("block I/O of a device, in bytes and operations", { skip: disk === undefined && "there is no disk" }, async () => {
    const device = `/dev/${disk}`;
    const bytes = ["--device-read-bps", `${device}:1mb`, "--device-write-bps", `${device}:2mb`];
    await limited(
      [...bytes, "--device-read-iops", `${device}:100`, "--device-write-iops", `${device}:200`],
      ({ id, warnings }) => {
        assert.equal(warnings, "");
        if (UNIFIED) {
          assert.equal(groupFile(id, "", "io.max"), `${numbers} rbps=1048576 wbps=2097152 riops=100 wiops=200`);
          return;
        }
        const throttle = (name: string): string => groupFile(id, `blkio.throttle.${name}_device`, "");
        assert.deepEqual(
          ["read_bps", "write_bps", "read_iops", "write_iops"].map(throttle),
          ["1048576", "2097152", "100", "200"].map((rate) => `${numbers} ${rate}`),
        );
      },
    );
  });

  it("a block device's limit holds back", { skip: disk === undefined && "there is no disk" }, async () => {
    const before = performance.now();
    const ran = await engine.docker(
      "run",
      "--rm",
      "--device-write-bps",
      `/dev/${disk}:4mb`,
      "busybox",
      "dd",
      "if=/dev/zero",
      "of=/x",
      "bs=1M",
      "count=6",
      "oflag=direct",
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(performance.now() - before > 1000, `${performance.now() - before} ms for 6 MB at 4 MB a second`);
  });

  it("a limit of block I/O needs a block device", async () => {
    const missing = await engine.docker("run", "--rm", "--device-read-bps", "/dev/nosuch:1mb", "busybox", "true");
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /"?\/dev\/nosuch"?: no such file or directory/);
    const character = await engine.docker("run", "--rm", "--device-read-bps", "/dev/null:1mb", "busybox", "true");
    assert.equal(character.code, 125);
    assert.match(character.stderr, /\/dev\/null: not a block device/);
    assert.equal(await engine.ok("ps", "-aq"), "");
  });

  it("weights, or the warning that they are discarded", async () => {
    await limited(["--blkio-weight", "300"], async ({ id, warnings }) => {
      const weight = groupFile(id, "blkio.weight", "io.weight");
      const shown = await engine.ok("inspect", "-f", "{{.HostConfig.BlkioWeight}}", id);
      if (warnings === "") assert.deepEqual([weight, shown], [UNIFIED ? "default 2930" : "300", "300"]);
      else {
        assert.match(
          warnings,
          /Your kernel does not support Block I\/O weight or the cgroup is not mounted. Weight discarded/,
        );
        assert.equal(shown, "0");
      }
    });
  });

  it("real time, as far as the parent group has any", {
    skip: V1 || !fs.existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"),
  }, async () => {
    const parent = `/sys/fs/cgroup/cpu/gantry-rt-${process.pid}`;
    fs.mkdirSync(parent);
    try {
      fs.writeFileSync(`${parent}/cpu.rt_runtime_us`, "5000");
      const args = [
        "--cgroup-parent",
        `/gantry-rt-${process.pid}`,
        "--cpu-rt-period",
        "1000000",
        "--cpu-rt-runtime",
        "4000",
      ];
      await limited(args, ({ id }) => {
        const file = (name: string): string => groupFile(id, name, "", `/gantry-rt-${process.pid}`);
        assert.deepEqual([file("cpu.rt_period_us"), file("cpu.rt_runtime_us")], ["1000000", "4000"]);
      });
    } finally {
      for (const controller of fs.readdirSync("/sys/fs/cgroup")) {
        const folder = `/sys/fs/cgroup/${controller}/gantry-rt-${process.pid}`;
        if (fs.existsSync(folder)) fs.rmdirSync(folder);
      }
    }
  });

  it("a parent group, also one with a slice's name", async () => {
    const name = `gantry-test-${process.pid}.slice`;
    try {
      for (const parent of [name, `/${name}/a/../b`]) {
        await limited(["--cgroup-parent", parent, "-m", "64m"], ({ id, pid }) => {
          const path = parent.startsWith("/") ? `/${name}/a/b` : `/${name}`;
          assert.equal(groupFile(id, "memory.limit_in_bytes", "memory.max", path), String(64 << 20));
          assert.match(proc(pid, "cgroup"), new RegExp(`${path}/${id}$`, "m"));
        });
      }
    } finally {
      const trees = UNIFIED ? [""] : fs.readdirSync("/sys/fs/cgroup").map((tree) => `/${tree}`);
      for (const tree of trees) {
        for (const group of [`${name}/a/b`, `${name}/a`, name]) {
          if (fs.existsSync(`/sys/fs/cgroup${tree}/${group}`)) fs.rmdirSync(`/sys/fs/cgroup${tree}/${group}`);
        }
      }
    }
  });

  it("ulimits and the OOM score, clamped with a warning where the engine may not go beyond its own", async () => {
    const hard = Number(/^Max open files +\S+ +(\d+)/m.exec(proc(String(engine.pid), "limits"))?.[1]);
    const args = ["--ulimit", "core=-1", "--ulimit", `nofile=100:${hard + 1}`, "--oom-score-adj", "-500"];
    await limited(args, ({ pid, warnings }) => {
      const limits = proc(pid, "limits");
      assert.match(limits, /^Max core file size +unlimited +unlimited/m);
      const own = proc(String(engine.pid), "oom_score_adj").trim();
      if (mayRaise) {
        assert.match(limits, new RegExp(`^Max open files +100 +${hard + 1} `, "m"));
        assert.equal(proc(pid, "oom_score_adj").trim(), "-500");
        assert.equal(warnings, "");
        return;
      }
      assert.match(limits, new RegExp(`^Max open files +100 +${hard} `, "m"));
      assert.equal(proc(pid, "oom_score_adj").trim(), own);
      assert.match(
        warnings,
        new RegExp(`OOM score adjustment -500 can't be had without CAP_SYS_RESOURCE: it is ${own}`),
      );
      assert.match(
        warnings,
        new RegExp(`Ulimit nofile=${hard + 1} can't be had without CAP_SYS_RESOURCE: it is ${hard}`),
      );
    });
    await limited(["--oom-score-adj", "300"], ({ pid, warnings }) => {
      assert.deepEqual([proc(pid, "oom_score_adj").trim(), warnings], ["300", ""]);
    });
  });

  it("Windows' limits and kernel memory are refused, warned of or ignored, by version, as Docker does", async () => {
    const create = async (version: string, HostConfig: object): Promise<[number, Record<string, unknown>]> => {
      const { status, text } = await engine.get(`/v${version}/containers/create`, "POST", {
        Image: "busybox",
        HostConfig,
      });
      const answer = JSON.parse(text) as Record<string, unknown>;
      if (status === 201) await engine.ok("rm", String(answer["Id"]));
      return [status, answer];
    };
    const refused = await create("1.51", { IOMaximumIOps: 5 });
    assert.equal(refused[0], 400);
    assert.match(String(refused[1]["message"]), /does not support Maximum IO Bandwidth or Maximum IO IOps/);
    assert.deepEqual((await create("1.51", { CpuPercent: 5, CpuCount: 2 }))[1]["Warnings"], [
      "linux does not support CPU percent. Percent discarded.",
    ]);
    assert.deepEqual((await create("1.51", { KernelMemory: 50 << 20 }))[1]["Warnings"], []);
    assert.match(
      String((await create("1.41", { KernelMemory: 50 << 20 }))[1]["Warnings"]),
      /kernel memory limit.*discarded/,
    );
    assert.equal((await create("1.41", { KernelMemory: 1 }))[0], 400);
  });
});

describe("running out of memory", () => {
  /** A child that the kernel takes before all others. */
  const hog = (mb: number): string =>
    `(echo 1000 >/proc/self/oom_score_adj; head -c ${mb}000000 /dev/zero | tail -c ${mb}000000 >/dev/null)`;
  const end = (name: string): Promise<string> =>
    engine.ok("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", name);
  const told = async (name: string, since: string): Promise<string[]> => {
    const args = ["--since", since, "--until", String(Date.now() / 1000), "--filter", `container=${name}`];
    return (await engine.ok("events", ...args, "--format", "{{.Action}}")).split("\n");
  };

  it("of the first process: 137, OOMKilled, the event before the end", async () => {
    const since = String(Date.now() / 1000);
    const script = 'x=$(head -c 60000000 /dev/zero | tr "\\000" a); echo ${#x}';
    const ran = await engine.docker(
      "run",
      "--name",
      "init",
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "busybox",
      "sh",
      "-c",
      script,
    );
    assert.equal(ran.code, 137, ran.stderr);
    assert.equal(await end("init"), "true 137");
    assert.deepEqual((await told("init", since)).slice(-2), ["oom", "die"]);
  });

  it("of a child alone: told at once, while the container goes on to an end of its own", async () => {
    const since = String(Date.now() / 1000);
    const script = `${hog(60)}; while [ ! -e /go ]; do sleep 0.1; done; exit 5`;
    await engine.ok("run", "-d", "--name", "child", "-m", "16m", "--memory-swap", "16m", "busybox", "sh", "-c", script);
    await until(async () => (await told("child", since)).includes("oom"), { what: "the event" });
    assert.equal(await end("child"), "true 0");
    await engine.ok("exec", "child", "touch", "/go");
    assert.equal(await engine.ok("wait", "child"), "5");
    assert.equal(await end("child"), "true 5");
    assert.equal((await told("child", since)).filter((action) => action === "oom").length, 1);
  });

  it("does not mark a container that was killed, nor the next run of one that was marked", async () => {
    await engine.ok("run", "-d", "--name", "victim", "-m", "16m", "busybox", "sleep", "1000");
    await engine.ok("kill", "victim");
    assert.equal(await end("victim"), "false 137");
    const script = `[ -e /ran ] || { touch /ran; ${hog(60)}; }; exec sleep 1000`;
    await engine.ok("run", "-d", "--name", "twice", "-m", "16m", "--memory-swap", "16m", "busybox", "sh", "-c", script);
    await until(async () => (await end("twice")) === "true 0", { what: "the mark" });
    await engine.ok("restart", "-t", "0", "twice");
    assert.equal(await end("twice"), "false 0");
  });

  it("is known of a container that ended while the engine was down", async () => {
    const script = `while [ ! -e /go ]; do sleep 0.1; done; ${hog(60)}; exit 6`;
    await engine.ok(
      "run",
      "-d",
      "--name",
      "unseen",
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "busybox",
      "sh",
      "-c",
      script,
    );
    const pid = await engine.ok("inspect", "-f", "{{.State.Pid}}", "unseen");
    await engine.crash();
    fs.writeFileSync(`/proc/${pid}/root/go`, "");
    await until(() => !fs.existsSync(`/proc/${pid}`), { what: "its end" });
    await engine.up();
    await until(async () => (await engine.ok("inspect", "-f", "{{.State.Status}}", "unseen")) === "exited", {
      what: "the record of it",
    });
    assert.equal(await end("unseen"), "true 6");
  });
});

describe("top", () => {
  it("takes ps's options, from either client", async () => {
    await engine.ok("run", "-d", "--name", "topped", "busybox", "sh", "-c", "sleep 1000 & sleep 1001");
    for (const program of ["docker", GANTRY]) {
      const top = async (...args: string[]): Promise<string[]> => {
        const ran: Ran = await run(program, ["top", "topped", ...args], { env: engine.env });
        assert.equal(ran.code, 0, ran.stderr);
        return ran.stdout.trimEnd().split("\n");
      };
      assert.match((await top())[0] as string, /^UID +PID +PPID +C +STIME +TTY +TIME +CMD/);
      assert.match((await top("aux"))[0] as string, /^USER +PID +%CPU +%MEM/);
      const rows = await top("-o", "pid,args");
      assert.match(rows[0] as string, /^PID +COMMAND/);
      assert.ok(
        rows.some((row) => /^\d+ +sleep 1001$/.test(row)),
        rows.join("\n"),
      );
      const bad = await run(program, ["top", "topped", "-o", "args"], { env: engine.env });
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /Couldn't find PID field in ps output/);
    }
  });
});
