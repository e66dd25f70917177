import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

/** Names that no engine of ours gives, but one that somebody points us to may. */
const HOSTILE = ["s pace", "d$(touch hit)", "b`touch hit`", "m;touch hit", "q'q\"q", "l\\n", "a&touch hit"];

let engine: TestEngine;
let folder: string;
let liar: http.Server;
let env: NodeJS.ProcessEnv;
before(async () => {
  engine = await TestEngine.start();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-complete-"));
  fs.mkdirSync(path.join(folder, "bin"));
  fs.symlinkSync(GANTRY, path.join(folder, "bin/gantry"));
  fs.writeFileSync(path.join(folder, "settings.env"), "");
  env = { ...engine.env, HOME: folder, PATH: `${folder}/bin:${process.env["PATH"]}` };
  await engine.ok("run", "-d", "--name", "web-one", "busybox", "sleep", "600");
  await engine.ok("run", "-d", "--name", "web-two", "busybox", "sleep", "600");
  await engine.ok("create", "--name", "idle-one", "busybox");
  liar = http.createServer((_request, response) => {
    response.setHeader("Api-Version", "1.51");
    response.end(
      JSON.stringify(
        HOSTILE.map((name) => ({
          Id: "1",
          Names: [`/${name}`],
          Image: "$(touch hit)",
          State: "running",
          Status: "`touch hit`",
        })),
      ),
    );
  });
  await new Promise<void>((resolve) => liar.listen(path.join(folder, "liar.sock"), resolve));
});
after(async () => {
  liar.closeAllConnections();
  liar.close();
  fs.rmSync(folder, { recursive: true });
  await engine.end();
});

const SHELLS = {
  bash: {
    argv: ["bash", "--noprofile", "--norc", "-i"],
    prepare: "PS1='> '; source <(gantry completion bash); clear",
    list: ["Tab", "Tab"],
  },
  zsh: {
    argv: ["zsh", "-f", "-i"],
    prepare:
      "PS1='> '; autoload -U compinit; compinit -u -D; setopt noautomenu; source <(gantry completion zsh); clear",
    list: ["Tab", "C-d"],
  },
  fish: {
    argv: ["fish", "--no-config", "-i"],
    prepare: "function fish_prompt; echo '> '; end; set fish_greeting; gantry completion fish | source; clear",
    list: ["Tab"],
  },
};

for (const [shell, { argv, prepare, list }] of Object.entries(SHELLS)) {
  describe(`completion in ${shell}`, () => {
    const inShell = async (more: NodeJS.ProcessEnv, body: (terminal: Terminal) => Promise<void>): Promise<void> => {
      const terminal = await Terminal.start({ ...env, ...more }, "env", "-C", folder, ...argv);
      try {
        await terminal.type(`${prepare}\n`);
        await until(async () => (await terminal.text()).trim() === ">", { what: "a prompt" });
        await body(terminal);
      } finally {
        await terminal.close();
      }
    };
    /** The line is cleared for the next. */
    const completes = async (terminal: Terminal, typed: string, line: string | RegExp): Promise<void> => {
      await terminal.type(typed);
      await terminal.press("Tab");
      await terminal.waitFor(line);
      await terminal.press("C-u");
    };

    it("commands, flags, values, names in the state that fits, images with their tags, files", async () => {
      await inShell({}, async (terminal) => {
        await completes(terminal, "gantry netw", /> gantry network$/m);
        await completes(terminal, "gantry run --restar", /> gantry run --restart$/m);
        await completes(terminal, "gantry run --restart unl", /> gantry run --restart unless-stopped$/m);
        await completes(terminal, "gantry run --restart=unl", /> gantry run --restart=unless-stopped$/m);
        await completes(terminal, "gantry ps -f sta", /> gantry ps -f status=$/m);
        await completes(terminal, "gantry start ", /> gantry start idle-one$/m);
        await completes(terminal, "gantry stop w", /> gantry stop web-/m);
        await completes(terminal, "gantry rmi busybox:l", /> gantry rmi busybox:latest$/m);
        await completes(terminal, "gantry network inspect bri", /> gantry network inspect bridge$/m);
        await completes(terminal, "gantry run --env-file sett", /> gantry run --env-file settings\.env$/m);
        await completes(terminal, "gantry run --env-file=sett", /> gantry run --env-file=settings\.env$/m);
      });
    });

    it("a list says what each is", async () => {
      await inShell({}, async (terminal) => {
        await terminal.type("gantry stop web-");
        await terminal.press(...list);
        await terminal.waitFor(/^(web-\S+ .*busybox, Up .*\s*){2}/m);
      });
    });

    it("nothing that was typed or that an engine says is run, and what is inserted is one word", async () => {
      await inShell({ GANTRY_HOST: `unix://${folder}/liar.sock` }, async (terminal) => {
        for (const [at, name] of HOSTILE.entries()) {
          await terminal.type(`gantry stop ${name[0]}`);
          await terminal.press("Tab");
          await terminal.waitFor(/> gantry stop \S.{2}/);
          await terminal.press("C-a");
          await terminal.type(`printf '<%s>' `);
          await terminal.press("C-e");
          await terminal.type(`; echo ${at}\n`);
          await terminal.waitFor(`<gantry><stop><${name}>${at}`);
          await terminal.type("clear\n");
        }
        await terminal.type("gantry stop $(touch hit) s");
        await terminal.press("Tab");
        await terminal.press("C-u");
        await terminal.type("echo over\n");
        await terminal.waitFor(/^over$/m);
      });
      assert.equal(fs.existsSync(path.join(folder, "hit")), false);
    });
  });
}

it("an answer comes soon, also where there is no engine", async () => {
  const times: number[] = [];
  for (const host of [engine.env["GANTRY_HOST"], "unix:///nonexistent/engine.sock"]) {
    for (let round = 0; round < 3; round += 1) {
      const began = performance.now();
      const ran = await run(GANTRY, ["__complete", "fish", "gantry", "rm", ""], { env: { ...env, GANTRY_HOST: host } });
      times.push(performance.now() - began);
      assert.deepEqual([ran.code, ran.stderr], [0, ""]);
    }
  }
  // The quickest tells: others share this machine.
  assert.ok(Math.min(...times.slice(0, 3)) < 150 && Math.min(...times.slice(3)) < 150, String(times));
});
