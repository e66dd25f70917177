import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

/** `gantry build --shell-on-fail`: a terminal in what a RUN that failed left. */
describe("a shell in a step that failed", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start();
  });
  after(() => engine.end());

  const Dockerfile = [
    "FROM busybox",
    "RUN mkdir /work && chown 7 /work",
    "USER 7",
    "WORKDIR /work",
    "ENV COLOUR=green",
    "RUN --mount=type=cache,target=/cache,mode=0777 --mount=type=secret,id=token echo half > made; echo kept > /cache/f; exit 9",
  ].join("\n");
  const context = (): string => {
    const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
    fs.writeFileSync(path.join(folder, "Dockerfile"), Dockerfile);
    return folder;
  };
  const workspaces = (): string[] => fs.readdirSync(path.join(engine.dataRoot, "workspaces"));
  /** Monitors of this engine. */
  const monitors = (): boolean => {
    try {
      execFileSync("pgrep", ["-f", `conmon.*${engine.execRoot}`]);
      return true;
    } catch {
      return false;
    }
  };
  const gone = (): Promise<void> =>
    until(() => workspaces().length === 0 && !monitors(), { what: "the step to be gone" });
  const started = (...flags: string[]): Promise<Terminal> =>
    Terminal.start({ ...engine.env, TOKEN: "s3cret" }, GANTRY, "build", ...flags, context());

  it("has its files, mounts, user, folder and variables; its end is the build's", async () => {
    const terminal = await started("--secret", "id=token,env=TOKEN", "--shell-on-fail");
    try {
      await terminal.waitFor(/exit code 9: [^]*\/work \$$/);
      await terminal.type("echo $(id -u) $PWD $COLOUR $(cat made) $(cat /cache/f) $(stty size)\n");
      await terminal.waitFor(/^7 \/work green half kept 24 80$/m);
      await terminal.type("ls -l /run/secrets/token\n");
      await terminal.waitFor(/^-r-------- +1 root +root +6 /m);
      await terminal.resize(100, 30);
      await terminal.waitFor(/\/work \$$/);
      await terminal.type("until stty size | grep '30 100'; do sleep 0.1; done; exit 3\n");
      assert.equal(await terminal.exit(), 9);
      assert.match(await terminal.text(), /^Dockerfile:6\n 6 \| RUN [^]*returned a non-zero code: 9$/m);
    } finally {
      await terminal.close();
    }
    await gone();
  });

  it("runs a command instead, by --shell-on-fail=COMMAND", async () => {
    const terminal = await started("--shell-on-fail=cat made; echo it was $COLOUR");
    try {
      assert.equal(await terminal.exit(), 9);
      assert.match(await terminal.text(), /^half\r?\nit was green$/m);
    } finally {
      await terminal.close();
    }
    await gone();
  });

  it("is not opened where there is no terminal", async () => {
    const ran = await engine.gantry("build", "--shell-on-fail", context());
    assert.equal(ran.code, 9);
    assert.doesNotMatch(ran.stdout, /this is what it left/);
  });

  it("leaves nothing when its client goes, or the engine is killed", async () => {
    for (const end of ["client", "engine"]) {
      const terminal = await started("--shell-on-fail");
      try {
        await terminal.waitFor(/\/work \$$/);
        if (end === "client") await terminal.close();
        else {
          await engine.crash();
          assert.notEqual(await terminal.exit(), 0);
          await engine.up();
        }
        await gone();
      } finally {
        await terminal.close();
      }
    }
  });
});
