import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { BuildEvent } from "../../src/base/build-events.ts";
import { GANTRY, type Ran, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
beforeEach(async () => {
  await engine.ok("builder", "prune", "-af");
});
after(() => engine.end());

const folder = (files: Record<string, string | Buffer>): string => engine.project(files);

const count = (text: string, word: string): number => text.split(word).length - 1;
const workspaces = (): string[] => fs.readdirSync(path.join(engine.dataRoot, "workspaces"));
/** Running processes of exactly this command. */
const processes = (command: string): string[] =>
  fs.readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim() === command
      );
    } catch {
      return false; // it has ended
    }
  });

/** A sleep that no other test has. */
const endless = (n: number): string => `sleep ${1_000_000 + process.pid * 10 + n}`;

/** When RUN of a stage went on, from /proc/uptime. */
const TIMED = "RUN cut -d' ' -f1 /proc/uptime > /span; sleep 1; cut -d' ' -f1 /proc/uptime >> /span";
const PARALLEL = [
  ...["a", "b", "c"].flatMap((name) => [`FROM busybox AS ${name}`, `ENV NAME=${name}`, TIMED]),
  ...["FROM busybox AS unused", "RUN false", "FROM busybox"],
  ...["a", "b", "c"].map((name) => `COPY --from=${name} /span /${name}`),
].join("\n");

describe("stages", () => {
  for (const cli of ["docker", "gantry"] as const) {
    it(`run side by side, through ${cli}; what nobody needs does not run`, async () => {
      const ran = await engine[cli]("build", "-t", "parallel", folder({ Dockerfile: PARALLEL }));
      assert.equal(ran.code, 0, ran.stderr);
      const spans = (await engine.ok("run", "--rm", "parallel", "cat", "/a", "/b", "/c")).split("\n").map(Number);
      const begun = spans.filter((_, n) => n % 2 === 0);
      const ended = spans.filter((_, n) => n % 2 === 1);
      assert.ok(Math.max(...begun) < Math.min(...ended), `all three at one time: ${spans.join(" ")}`);
      const steps = [...ran.stdout.matchAll(/^(?:Step|#\d+ \[\S+) (\d+)\/13(?: :|\]) /gm)].map(([, n]) => Number(n));
      assert.deepEqual(
        // docker has them in the Dockerfile's order, gantry as they come
        cli === "docker" ? steps : steps.toSorted((a, b) => a - b),
        Array.from({ length: 13 }, (_, n) => n + 1),
      );
    });
  }

  it("that fail stop the others, and nothing of them is left", async () => {
    const Dockerfile = [
      `FROM busybox AS slow\nRUN echo slow; ${endless(1)}`,
      "FROM busybox AS bad\nRUN sleep 0.5; echo broken; exit 7",
      "FROM busybox\nCOPY --from=slow / /s\nCOPY --from=bad / /b",
    ].join("\n");
    const docker = await engine.docker("build", folder({ Dockerfile }));
    assert.equal(docker.code, 7);
    assert.match(
      docker.stderr,
      /The command '\/bin\/sh -c sleep 0.5; echo broken; exit 7' returned a non-zero code: 7/,
    );
    assert.match(docker.stdout, /broken\n$/);
    assert.deepEqual([processes(endless(1)), workspaces()], [[], []]);
    const gantry = await engine.gantry("build", "--progress", "plain", folder({ Dockerfile }));
    assert.equal(gantry.code, 7);
    assert.match(gantry.stdout, /^#4 FAILED \d\.\ds$/m);
    assert.match(gantry.stdout, /^#2 CANCELED /m);
    assert.match(gantry.stdout, /^Dockerfile:4\n 4 \| RUN sleep 0\.5; echo broken; exit 7\n {3}\| \^+$/m);
    assert.deepEqual([processes(endless(1)), workspaces()], [[], []]);
  });

  for (const program of ["docker", GANTRY]) {
    it(`all end with ${path.basename(program)}, and what was done is in the cache`, async () => {
      const Dockerfile = [
        `FROM busybox AS one\nRUN echo done\nRUN ${endless(2)}`,
        `FROM busybox AS two\nRUN ${endless(3)}`,
        "FROM busybox\nCOPY --from=one / /1\nCOPY --from=two / /2",
      ].join("\n");
      const child = spawn(program, ["build", folder({ Dockerfile })], { env: engine.env, stdio: "ignore" });
      const both = [endless(2), endless(3)];
      await until(() => both.every((one) => processes(one).length > 0), { what: "both RUNs" });
      child.kill("SIGINT");
      await once(child, "exit");
      await until(() => both.every((one) => processes(one).length === 0) && workspaces().length === 0, {
        what: "both RUNs to be gone",
      });
      const again = await engine.ok("build", folder({ Dockerfile: "FROM busybox\nRUN echo done\n" }));
      assert.equal(count(again, "Using cache"), 1);
    });
  }
});

describe("gantry build", () => {
  const files = { Dockerfile: "FROM busybox\nARG V=1\nCOPY one /one\nRUN echo said $V\n", one: "1\n" };
  const built = async (...args: string[]): Promise<string> => {
    const ran = await engine.gantry("build", ...args);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  it("shows each step's lines with its number by --progress plain", async () => {
    const text = await built("--progress", "plain", "-t", "plain", folder(files));
    assert.match(text, /^#4 \[stage-0 4\/4\] RUN echo said \$V$/m);
    assert.match(text, /^#4 said 1$/m);
    assert.match(text, /^#4 DONE \d+\.\ds$/m);
    assert.match(
      text,
      /^Built sha256:[0-9a-f]{64} in \d+\.\ds, [\d.]+MB, 0 of 3 steps from the cache\nTagged plain:latest$/m,
    );
    assert.match(await built("--progress", "plain", folder(files)), /^#4 CACHED$/m);
  });

  it("gives the engine's events, one a line, by --progress json", async () => {
    const file = path.join(engine.folder, "iid-events");
    const text = await built("--progress", "json", "--iidfile", file, folder(files));
    const events = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as BuildEvent);
    const summary = events.at(-1);
    assert.ok(summary?.kind === "summary");
    assert.equal(fs.readFileSync(file, "utf8"), summary.image);
    const heard = events.flatMap((event) => ("step" in event && event.step === "4" ? [event.kind] : []));
    assert.deepEqual(heard, ["started", "missed", "running", "output", "done"]);
    const bad = await engine.gantry("build", "--progress", "fancy", folder(files));
    assert.match(bad.stderr, /one of auto, plain, tty, json/);
  });

  it("says why a step was not cached by --why", async () => {
    const context = folder(files);
    assert.match(await built("--why", context), /^#2 not cached: no step like this was built before$/m);
    fs.writeFileSync(path.join(context, "one"), "2\n");
    const changed = await built("--why", context);
    assert.match(changed, /^#3 not cached: file one changed$/m);
    assert.match(changed, /^#4 not cached: follows step 3, which was not cached$/m);
    assert.match(await built("--why", "--build-arg", "V=2", context), /^#4 not cached: ARG V was 1, is 2$/m);
    assert.match(await built("--why", "--no-cache-filter", "0", context), /^#4 not cached: --no-cache$/m);
  });
});

describe("the cache", () => {
  it("does the same step of two builds once, and tells both what it says", async () => {
    const Dockerfile =
      "FROM busybox\nRUN --mount=type=cache,target=/c echo once >> /c/log; echo begun; sleep 1; cp /c/log /log; echo ended\n";
    const context = folder({ Dockerfile });
    const both = await Promise.all([1, 2].map((n) => engine.docker("build", "-t", `once${n}`, context)));
    for (const ran of both) {
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /^begun\nended$/m);
    }
    assert.equal(await engine.ok("run", "--rm", "once1", "cat", "/log"), "once");
  });

  it("is taken from an image by --cache-from", async () => {
    const context = folder({ Dockerfile: "FROM busybox\nENV A=1\nRUN head -c 9 /dev/urandom > /random\n" });
    await engine.ok("build", "-t", "kept", context);
    const before = await engine.ok("inspect", "-f", "{{.Id}}", "kept");
    await engine.ok("builder", "prune", "-af");
    const text = await engine.ok("build", "--cache-from", "kept", "-t", "again", context);
    assert.equal(count(text, "Using cache"), 2);
    assert.equal(await engine.ok("inspect", "-f", "{{.Id}}", "again"), before);
    await engine.ok("builder", "prune", "-af");
    assert.equal(count(await engine.ok("build", "-t", "again", context), "Using cache"), 0);
  });

  it("is listed by system df with what it is, and pruned by that", async () => {
    const mount = "RUN --mount=type=cache,id=apt,target=/c,uid=7,gid=8,mode=0750";
    const context = folder({
      Dockerfile: `FROM busybox\n${mount} head -c 5000 /dev/zero > /c/f; stat -c '%u:%g %a' /c > /shown\n`,
    });
    await engine.ok("build", "-t", "mounted", context);
    assert.equal(await engine.ok("run", "--rm", "mounted", "cat", "/shown"), "7:8 750");
    await engine.ok("build", context);
    const items = async (): Promise<Record<string, unknown>[]> =>
      JSON.parse((await engine.get("/v1.51/system/df?type=build-cache")).text).BuildCache;
    const short = (item: Record<string, unknown>): unknown[] =>
      ["Type", "Description", "Size", "UsageCount", "Shared", "InUse"].map((field) => item[field]);
    const all = await items();
    const mounts = all.filter(({ Type }) => Type === "exec.cachemount");
    assert.deepEqual(mounts.map(short), [["exec.cachemount", "mount apt", 5000, 1, false, false]]);
    const [step] = all.filter(({ Type }) => Type === "regular");
    assert.match(String(step!["Description"]), /^RUN --mount=type=cache,id=apt/);
    assert.deepEqual([step!["UsageCount"], step!["Shared"]], [1, true], "the image stands on its layer");
    const listed = await engine.ok("system", "df", "-v");
    assert.match(listed, /exec\.cachemount\s+5kB/);

    const pruned = async (...args: string[]): Promise<Ran> => await engine.docker("builder", "prune", "-f", ...args);
    assert.equal((await pruned("--filter", "id=nosuch")).stdout, "Total reclaimed space: 0B\n");
    assert.equal((await pruned("--filter", "unused-for=1h")).stdout, "Total reclaimed space: 0B\n");
    const gone = await pruned("--filter", "type=exec.cachemount");
    assert.match(gone.stdout, /^Deleted build cache objects:\n[0-9a-f]+\n\nTotal reclaimed space: 5kB\n$/);
    assert.equal((await items()).length, 1);
    assert.equal((await pruned()).stdout, "Total reclaimed space: 0B\n", "what an image shares stays without -a");
    assert.match((await pruned("-a")).stdout, /^Deleted build cache objects:\n/);
    assert.deepEqual(await items(), []);
  });
});
