import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { groupFile, UNIFIED } from "../support/groups.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const MB = 2 ** 20;

/** The limits that the kernel holds a container to; "none" for none. */
function limits(id: string): Record<string, string> {
  const word = (text: string): string => (["max", "-1", "9223372036854771712"].includes(text) ? "none" : text);
  const quota = UNIFIED ? groupFile(id, "", "cpu.max").split(" ")[0] : groupFile(id, "cpu.cfs_quota_us", "");
  return {
    memory: word(groupFile(id, "memory.limit_in_bytes", "memory.max")),
    quota: word(quota ?? ""),
    cpus: groupFile(id, "cpuset.cpus", "cpuset.cpus"),
    pids: word(groupFile(id, "pids.max", "pids.max")),
  };
}

const inspect = async (name: string): Promise<{ Id: string; HostConfig: Record<string, unknown> }> =>
  (JSON.parse(await engine.ok("inspect", name)) as { Id: string; HostConfig: Record<string, unknown> }[])[0]!;
const update = (name: string, body: object) => engine.get(`/v1.51/containers/${name}/update`, "POST", body);

for (const cli of ["docker", "gantry"] as const) {
  const call = (...args: string[]): Promise<Ran> =>
    run(cli === "docker" ? "docker" : GANTRY, args, { env: engine.env });
  const out = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.trimEnd();
  };

  describe(`${cli} update`, () => {
    it("changes limits of a running container at once, and they last", async () => {
      const id = await out("run", "-d", "--name", "live", "-m", "64m", "--restart", "no", "busybox", "sleep", "1000");
      const args = ["--memory", "96m", "--memory-swap", "-1", "--memory-reservation", "32m", "--cpus", "0.5"];
      assert.equal(
        await out("update", ...args, "--cpuset-cpus", "0", "--pids-limit", "70", "--restart", "on-failure:3", "live"),
        "live",
      );
      const wanted = { memory: String(96 * MB), quota: "50000", cpus: "0", pids: "70" };
      assert.deepEqual(limits(id), wanted);
      assert.equal(groupFile(id, "memory.soft_limit_in_bytes", "memory.low"), String(32 * MB));
      const { HostConfig: host } = await inspect("live");
      assert.deepEqual(
        [host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"], host["RestartPolicy"]],
        [96 * MB, -1, 5e8, 70, { Name: "on-failure", MaximumRetryCount: 3 }],
      );
      await out("restart", "-t", "0", "live");
      assert.deepEqual(limits(id), wanted);
      await engine.crash();
      await engine.up();
      assert.deepEqual((await inspect("live")).HostConfig, host);
      assert.equal(await out("update", "--pids-limit", "-1", "live"), "live");
      assert.deepEqual(limits(id), { ...wanted, pids: "none" });
      await out("rm", "-f", "live");
    });

    it("changes a stopped one for its next start, several at once", async () => {
      await out("create", "--name", "one", "-m", "64m", "busybox", "sleep", "1000");
      await out("create", "--name", "two", "-m", "64m", "busybox", "sleep", "1000");
      assert.equal(
        await out("update", "--memory", "32m", "--memory-swap", "32m", "--cpu-shares", "300", "one", "two"),
        "one\ntwo",
      );
      await out("start", "one");
      const { Id: id } = await inspect("one");
      assert.equal(limits(id)["memory"], String(32 * MB));
      if (!UNIFIED) assert.equal(groupFile(id, "cpu.shares", ""), "300");
      await out("rm", "-f", "one", "two");
    });

    it("takes a CPU quota away with -1", async () => {
      const id = await out("run", "-d", "--name", "quota", "--cpu-quota", "20000", "busybox", "sleep", "1000");
      assert.equal(limits(id)["quota"], "20000");
      await out("update", "--cpu-quota", "-1", "quota");
      assert.equal(limits(id)["quota"], "none");
      await out("restart", "-t", "0", "quota");
      assert.equal(limits(id)["quota"], "none");
      await out("rm", "-f", "quota");
    });

    it("refuses in Docker's words, and says what is discarded", async () => {
      await out("run", "-d", "--rm", "--name", "fixed", "--cpus", "1", "busybox", "sleep", "1000");
      const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
        const ran = await call("update", ...args, "fixed");
        assert.equal(ran.code, 1, ran.stdout);
        assert.match(ran.stderr, words);
      };
      await refused(/Minimum memory limit allowed is 6MB/, "-m", "1m");
      await refused(
        /Cannot update container [0-9a-f]{64}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time/,
        ...["-m", "64m"],
      );
      await refused(/CPU Quota cannot be updated as NanoCPUs has already been set/, "--cpu-quota", "5000");
      await refused(/Requested CPUs are not available/, "--cpuset-cpus", "4000");
      await refused(/Restart policy cannot be updated because AutoRemove is enabled/, "--restart", "always");
      const missing = await call("update", "--cpus", "1", "nosuch");
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /No such container: nosuch/);
      const weight = await call("update", "--blkio-weight", "300", "fixed");
      assert.equal(weight.code, 0, weight.stderr);
      if (!UNIFIED) assert.match(weight.stdout + weight.stderr, /Block I\/O weight or the cgroup is not mounted/);
      await out("rm", "-f", "fixed");
    });
  });
}

describe("the API's update", () => {
  it("answers 400, 404, 409 and null warnings as Docker does, and tells of each update", async () => {
    const since = String(Date.now() / 1000);
    await engine.ok("run", "-d", "--name", "api", "-m", "64m", "busybox", "sleep", "1000");
    const answered = async (status: number, body: object): Promise<string> => {
      const answer = await update("api", body);
      assert.equal(answer.status, status, answer.text);
      return answer.text;
    };
    assert.equal(await answered(200, {}), '{"Warnings":null}\n');
    await answered(400, { Memory: "many" });
    await answered(400, { NanoCpus: 1e9, CpuQuota: 5000 });
    await answered(400, { RestartPolicy: { Name: "sometimes" } });
    await answered(409, { Memory: 900 * MB });
    assert.equal((await update("nosuch", {})).status, 404);
    await answered(200, { Devices: [{ PathOnHost: "/dev/null" }], Ulimits: [{ Name: "nofile", Soft: 1, Hard: 1 }] });
    assert.deepEqual((await inspect("api")).HostConfig["Ulimits"], []);
    const filter = ["--filter", "container=api", "--filter", "event=update", "--format", "{{.Action}}"];
    const told = await engine.ok("events", "--since", since, "--until", String(Date.now() / 1000), ...filter);
    assert.equal(told, "update\nupdate");
  });

  it("takes 0 for no pids limit; before 1.40 for as it is", async () => {
    const { Id: id } = await inspect("api");
    const ask = (version: string, PidsLimit: number | null) =>
      engine.get(`/v${version}/containers/api/update`, "POST", { PidsLimit });
    await ask("1.51", 60);
    await ask("1.39", 0);
    await ask("1.51", null);
    assert.equal(limits(id)["pids"], "60");
    await ask("1.51", 0);
    assert.equal(limits(id)["pids"], "none");
  });

  it("leaves everything as it was when the kernel refuses", async () => {
    const { Id: id } = await inspect("api");
    await engine.ok("exec", "api", "sh", "-c", "head -c 40000000 /dev/zero >/dev/shm/full");
    const before = [limits(id), (await inspect("api")).HostConfig];
    const { status, text } = await update("api", { Memory: 8 * MB, MemorySwap: 8 * MB, PidsLimit: 9, CpuShares: 9 });
    if (UNIFIED) return; // there the kernel kills rather than refuse
    assert.equal(status, 409, text);
    assert.match(text, /Cannot update container [0-9a-f]{64}: .*[Bb]usy/);
    assert.deepEqual([limits(id), (await inspect("api")).HostConfig], before);
  });

  it("works with runc, too, and on a paused container", async () => {
    const args = ["--runtime", "runc", "-m", "64m", "--cpu-quota", "20000"];
    const id = await engine.ok("run", "-d", "--name", "other", ...args, "busybox", "sleep", "1000");
    await engine.ok("pause", "other");
    await engine.ok("update", "-m", "32m", "--memory-swap", "-1", "--cpu-quota", "-1", "--pids-limit", "-1", "other");
    assert.deepEqual({ ...limits(id), cpus: "" }, { memory: String(32 * MB), quota: "none", cpus: "", pids: "none" });
    await engine.ok("unpause", "other");
    const { text } = await update("other", { Memory: 48 * MB, PidsLimit: 30 });
    assert.equal(text, '{"Warnings":null}\n');
    assert.deepEqual([limits(id)["memory"], limits(id)["pids"]], [String(48 * MB), "30"]);
    assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "other"), "running");
    await engine.ok("rm", "-f", "other");
  });

  it("of the restart policy holds for a container that runs already", async () => {
    await engine.ok("run", "-d", "--name", "again", "busybox", "sleep", "1000");
    await engine.ok("update", "--restart", "always", "again");
    const pid = Number(await engine.ok("inspect", "-f", "{{.State.Pid}}", "again"));
    process.kill(pid, "SIGKILL");
    await until(
      async () => (await engine.ok("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "again")) === "1 running",
      {
        what: "its restart",
      },
    );
    await engine.ok("rm", "-f", "again");
  });
});
