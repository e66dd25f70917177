import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

const REPO = path.resolve(import.meta.dirname, "../..");

let engine: TestEngine;
let folder: string;
before(async () => {
  engine = await TestEngine.start();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-packages-"));
});
after(async () => {
  fs.rmSync(folder, { recursive: true });
  await engine.end();
});

/** Gives the program's path, or why it can't be had here. */
const WAYS: Record<string, () => Promise<{ program: string } | { missing: string }>> = {
  "the single file": async () => {
    const program = path.join(folder, "gantry");
    const built = await run(path.join(REPO, "scripts/single-file/build"), [program], { timeout: 120_000 });
    if (built.code === 69) return { missing: `the compiler can't be installed: ${built.stderr.slice(0, 200)}` };
    assert.equal(built.code, 0, built.stderr);
    return { program };
  },
  "the npm package": async () => {
    // Apart: packing builds anew, and other tests run what is built here.
    const tree = path.join(folder, "tree");
    const others = new Set(["node_modules", "dist", ".git"].map((name) => path.join(REPO, name)));
    fs.cpSync(REPO, tree, {
      recursive: true,
      filter: (from) => !others.has(from) && path.basename(from) !== "node_modules",
    });
    fs.symlinkSync(path.join(REPO, "node_modules"), path.join(tree, "node_modules"));
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", folder], {
      cwd: tree,
      timeout: 120_000,
    });
    assert.equal(packed.code, 0, packed.stderr);
    const archive = path.join(folder, packed.stdout.trim().split("\n").at(-1)!);
    const prefix = path.join(folder, "prefix");
    const installed = await run("npm", ["install", "--global", "--silent", "--prefix", prefix, archive], {
      timeout: 120_000,
    });
    if (installed.code !== 0 && /E(NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT)/.test(installed.stderr)) {
      return { missing: "the registry of npm can't be reached" };
    }
    assert.equal(installed.code, 0, installed.stderr);
    assert.ok(fs.existsSync(path.join(prefix, "lib/node_modules/gantry/dist/man/man1/gantry-run.1")));
    return { program: path.join(prefix, "bin/gantry") };
  },
};

for (const [way, install] of Object.entries(WAYS)) {
  describe(`gantry installed by ${way}`, () => {
    let program = "";
    let missing: string | undefined;
    before(async () => {
      const found = await install();
      if ("missing" in found) missing = found.missing;
      else program = found.program;
    });
    const skipped = (t: TestContext): boolean => {
      if (missing !== undefined) t.skip(missing);
      return missing !== undefined;
    };
    const call = (words: string[], input = "") => run(program, words, { env: engine.env, input });

    it("says its version, runs containers, and ends as they do", async (t) => {
      if (skipped(t)) return;
      assert.match((await call(["--version"])).stdout, /^Gantry version \d/);
      const ran = await call(["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7"]);
      assert.deepEqual(ran, { code: 7, stdout: "out\n", stderr: "err\n" });
      assert.equal((await call(["nonsense"])).code, 1);
      assert.equal((await call(["run", "--nonsense"])).code, 125);
    });

    it("hands all of stdin over, and its end, and waits for the answer", async (t) => {
      if (skipped(t)) return;
      const ran = await call(["run", "--rm", "-i", "busybox", "sh", "-c", "wc -c; echo over"], "x".repeat(3_000_000));
      assert.deepEqual([ran.code, ran.stdout], [0, "3000000\nover\n"]);
    });

    it("a terminal: keys, sizes, Ctrl-C, the exit code", async (t) => {
      if (skipped(t)) return;
      const terminal = await Terminal.start(engine.env, program, "run", "--rm", "-it", "busybox", "sh");
      try {
        await terminal.waitFor("/ #");
        await terminal.resize(101, 37);
        await terminal.type("until [ \"$(stty size)\" = '37 101' ]; do :; done; echo resi''zed\n");
        await terminal.waitFor("resized");
        await terminal.type("trap 'echo caught; exit 9' INT; echo re''ady; while :; do :; done\n");
        await terminal.waitFor("ready");
        await terminal.press("C-c");
        assert.equal(await terminal.exit(), 9);
      } finally {
        await terminal.close();
      }
    });

    it("signals reach the container; a reader that leaves ends it quietly", async (t) => {
      if (skipped(t)) return;
      const script = "trap 'exit 42' TERM; echo ready; while :; do sleep 0.1; done";
      const child = spawn(program, ["run", "--rm", "busybox", "sh", "-c", script], { env: engine.env });
      let out = "";
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      await until(() => out === "ready\n", { what: "the container" });
      child.kill("SIGTERM");
      assert.deepEqual(await once(child, "exit"), [42, null]);
      const pipe = await run("sh", ["-c", '"$0" run --rm busybox seq 1 200000 | head -n 1', program], {
        env: engine.env,
      });
      assert.deepEqual([pipe.stdout, pipe.stderr], ["1\n", ""]);
    });

    it("reads no settings of other programs where it stands", async (t) => {
      if (skipped(t)) return;
      const cwd = path.join(folder, "elsewhere");
      fs.mkdirSync(cwd, { recursive: true });
      fs.writeFileSync(path.join(cwd, ".env"), "GANTRY_HOST=unix:///nonexistent\n");
      fs.writeFileSync(path.join(cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
      fs.writeFileSync(path.join(cwd, "evil.ts"), 'console.log("evil")\n');
      const { GANTRY_HOST: _, ...env } = engine.env;
      const ran = await run(program, ["images", "--format", "{{.Repository}}"], { cwd, env });
      assert.deepEqual(ran, { code: 0, stdout: "busybox\n", stderr: "" });
    });
  });
}
