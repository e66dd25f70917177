import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { digestOf, honestImage, startLiar } from "../drivers/registry-http/lying-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const inTerminal = async (words: string[], body: (terminal: Terminal) => Promise<void>): Promise<void> => {
    const terminal = await Terminal.start(engine.env, ...words);
    try {
      await body(terminal);
    } finally {
      await terminal.close();
    }
  };
  const running = async (name: string): Promise<boolean> =>
    (await engine.docker("inspect", "-f", "{{.State.Running}}", name)).stdout.trim() === "true";

  describe(`terminals through ${cli}`, () => {
    it("run -it: what is typed, what comes back, the size and its changes, the exit code", async () => {
      await inTerminal([program, "run", "--rm", "-it", "busybox", "sh"], async (terminal) => {
        await terminal.waitFor("/ #");
        await terminal.type("stty size; tty; test -t 0 -a -t 1 -a -t 2 && echo all three\n");
        await terminal.waitFor(/24 80\n\/dev\/pts\/0\nall three/);
        await terminal.resize(101, 37);
        await terminal.type("until [ \"$(stty size)\" = '37 101' ]; do :; done; echo resi''zed\n");
        await terminal.waitFor("resized");
        await terminal.type("exit 3\n");
        assert.equal(await terminal.exit(), 3);
      });
    });

    it("run -t loses nothing at the end", async () => {
      for (let round = 0; round < 5; round += 1) {
        const command = `${program} run --rm -t busybox seq 1 3000`;
        const ran = await run("script", ["-qec", `stty rows 24 cols 80; ${command}`, "/dev/null"], { env: engine.env });
        assert.equal(ran.code, 0);
        const numbers = ran.stdout.split(/[\r\n]+/).filter(Boolean);
        assert.equal(numbers.length, 3000, `round ${round}`);
        assert.equal(numbers.at(-1), "3000");
      }
    });

    it("Ctrl-C reaches the process, not the client", async () => {
      const script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.1; done';
      await inTerminal([program, "run", "--rm", "-it", "busybox", "sh", "-c", script], async (terminal) => {
        await terminal.waitFor("ready");
        await terminal.press("C-c");
        assert.equal(await terminal.exit(), 9);
        await terminal.waitFor("caught");
      });
    });

    it("Ctrl-C without a TTY ends the container by its signal", async () => {
      const script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.1; done';
      await inTerminal([program, "run", "--rm", "busybox", "sh", "-c", script], async (terminal) => {
        await terminal.waitFor("ready");
        await terminal.press("C-c");
        assert.equal(await terminal.exit(), 9);
      });
    });

    it("ctrl-p ctrl-q leaves the container running; attach comes back to it; the terminal is put in order", async () => {
      const line = `stty -g >${engine.folder}/before; ${program} run -it --name stay busybox sh; stty -g >${engine.folder}/after; echo left`;
      await inTerminal(["sh", "-c", line], async (terminal) => {
        await terminal.waitFor("/ #");
        await terminal.type("HERE=still; echo set\n");
        await terminal.waitFor(/\nset\n/);
        await terminal.press("C-p", "C-q");
        await terminal.waitFor("left");
        assert.equal(await terminal.exit(), 0);
      });
      const [before, after] = ["before", "after"].map((name) =>
        fs.readFileSync(path.join(engine.folder, name), "utf8"),
      );
      assert.equal(after, before);
      assert.equal(await running("stay"), true);
      await inTerminal([program, "attach", "stay"], async (terminal) => {
        await until(
          async () => {
            await terminal.press("Enter");
            return (await terminal.text()).includes("/ #");
          },
          { what: "the prompt", every: 100 },
        );
        await terminal.type("echo $HERE here; stty size\n");
        await terminal.waitFor(/still here\n24 80/);
        await terminal.type("exit 4\n");
        assert.equal(await terminal.exit(), 4);
      });
      await engine.ok("rm", "stay");
    });

    it("detach keys of one's own", async () => {
      await inTerminal(
        [program, "run", "-it", "--name", "own", "--detach-keys", "ctrl-x,d", "busybox", "sh"],
        async (terminal) => {
          await terminal.waitFor("/ #");
          await terminal.press("C-x", "d");
          assert.equal(await terminal.exit(), 0);
        },
      );
      assert.equal(await running("own"), true);
      await engine.ok("rm", "-f", "own");
    });

    it("the user of -t opens the terminal by its name, in run and in exec", async () => {
      const open = ["sh", "-c", "echo $(id -u) >$(tty); stat -c %u $(tty); echo too >/dev/tty"];
      const said = async (words: string[]): Promise<string> => {
        const line = [program, ...words, ...open.map((word) => `'${word}'`)].join(" ");
        const ran = await run("script", ["-qec", line, "/dev/null"], { env: engine.env });
        assert.equal(ran.code, 0, ran.stdout);
        return ran.stdout.replaceAll("\r", "");
      };
      assert.equal(await said(["run", "--rm", "-t", "-u", "1000", "busybox"]), "1000\n1000\ntoo\n");
      for (const runtime of ["crun", "runc"]) {
        const id = await engine.ok("run", "-d", "-u", "33", "--runtime", runtime, "busybox", "sleep", "1000");
        for (const uid of ["1000", "33", "0"]) {
          assert.equal(await said(["exec", "-t", "-u", uid, id]), `${uid}\n${uid}\ntoo\n`, runtime);
        }
        await engine.ok("rm", "-f", id);
      }
    });

    it("exec -it: a terminal of the right size, its changes, the exit code, and the container lives on", async () => {
      const id = await engine.ok("run", "-d", "busybox", "sleep", "1000");
      await inTerminal([program, "exec", "-it", id, "sh"], async (terminal) => {
        await terminal.waitFor("/ #");
        await terminal.type("stty size\n");
        await terminal.waitFor(/\n24 80\n/);
        await terminal.resize(90, 20);
        await terminal.type("until [ \"$(stty size)\" = '20 90' ]; do :; done; echo resi''zed\n");
        await terminal.waitFor("resized");
        await terminal.type("exit 6\n");
        assert.equal(await terminal.exit(), 6);
      });
      assert.equal(await running(id), true);
      await engine.ok("rm", "-f", id);
    });

    it("start -ai gives the terminal back to a container that has one", async () => {
      await engine.ok(
        "create",
        "-it",
        "--name",
        "again",
        "busybox",
        "sh",
        "-c",
        "echo ready; read x; stty size; exit $x",
      );
      await inTerminal([program, "start", "-ai", "again"], async (terminal) => {
        await terminal.waitFor("ready");
        await terminal.type("5\n");
        await terminal.waitFor("24 80");
        assert.equal(await terminal.exit(), 5);
      });
      await engine.ok("rm", "again");
    });

    it("-i without a terminal: a pipe in, its end told; -it refuses a pipe", async () => {
      const ran = await run(program, ["run", "-i", "--rm", "busybox", "sh", "-c", "wc -c; exit 2"], {
        env: engine.env,
        input: "x".repeat(100_000),
      });
      assert.deepEqual([ran.code, ran.stdout], [2, "100000\n"]);
      const refused = await run(program, ["run", "-it", "--rm", "busybox", "true"], { env: engine.env, input: "" });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /the input device is not a TTY/);
      assert.equal((await call("ps", "-aq")).stdout, "");
    });

    it("SIGTERM to the client of a foreground run goes to the process", async () => {
      const script = 'trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.1; done';
      const child = spawn(program, ["run", "--rm", "busybox", "sh", "-c", script], {
        env: engine.env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
      });
      const exit = once(child, "exit");
      try {
        await until(() => out === "ready\n", { what: "the container's word" });
        child.kill("SIGTERM");
        assert.deepEqual(await exit, [7, null]);
        assert.equal(out, "ready\nterm\n");
      } finally {
        child.kill("SIGKILL");
      }
    });

    it("Ctrl-C ends a build, and nothing of it is left", async () => {
      const folder = path.join(engine.folder, `context-${cli}`);
      fs.mkdirSync(folder);
      fs.writeFileSync(path.join(folder, "Dockerfile"), `FROM busybox\nRUN echo begun ${cli}; sleep 600\n`);
      await inTerminal([program, "build", "-t", "never", folder], async (terminal) => {
        await terminal.waitFor(new RegExp(`^ *begun ${cli}`, "m"));
        await terminal.press("C-c");
        assert.notEqual(await terminal.exit(), 0);
      });
      const workspaces = path.join(engine.dataRoot, "workspaces");
      const left = (): string[] => fs.readdirSync(workspaces).filter((name) => name.startsWith("build-"));
      await until(() => left().length === 0, { what: "the build's workspace to go" });
      await until(async () => !(await run("ps", ["-eo", "args"])).stdout.includes("sleep 600"), {
        what: "its process",
      });
      assert.equal((await call("images", "-q", "never")).stdout, "");
    });

    it("Ctrl-C ends a pull, and nothing can be seen of it but bytes to resume from", async () => {
      const image = honestImage();
      let asked = false;
      const registry = await startLiar((request, response) => {
        const { url = "" } = request;
        if (url.includes("/manifests/")) {
          response.setHeader("Content-Type", "application/vnd.oci.image.manifest.v1+json");
          response.end(request.method === "HEAD" ? undefined : image.manifest);
        } else if (url.endsWith(digestOf(image.config))) response.end(image.config);
        else if (url.endsWith(digestOf(image.layer))) {
          asked = true;
          response.setHeader("Content-Length", image.layer.length);
          response.write(image.layer.subarray(0, 1000)); // and then no more
        }
      });
      try {
        await inTerminal([program, "pull", `${registry.host}/slow:1`], async (terminal) => {
          await until(() => asked, { what: "the layer to be asked for" });
          await terminal.press("C-c");
          assert.notEqual(await terminal.exit(), 0);
        });
        const blobs = path.join(engine.dataRoot, "blobs");
        const temporary = (): string[] =>
          fs.readdirSync(path.join(blobs, "partial")).filter((name) => name.includes("tmp"));
        await until(() => temporary().length === 0, { what: "temporary files to go" });
        assert.equal(fs.existsSync(path.join(blobs, digestOf(image.layer).replace(":", "/"))), false);
        assert.equal((await call("images", "--format", "{{.Repository}}")).stdout, "busybox\n");
      } finally {
        await registry.stop();
      }
    });
  });
}
