import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type BuildEvent, Gantry, type LocalEngine, type Task } from "../../src/sdk/index.ts";
import { GANTRY, run } from "../support/engine.ts";
import { sdkCore } from "../support/sdk-core.ts";
import { until } from "../support/until.ts";

const REPO = path.resolve(import.meta.dirname, "../..");

describe("the SDK with an engine of its own", () => {
  let gantry: LocalEngine;
  before(async () => {
    gantry = await Gantry.start({ images: ["busybox"] });
  });
  after(async () => {
    await gantry.stop();
    assert.equal(fs.existsSync(gantry.folder), false);
  });

  sdkCore("as with every engine", "busybox", () => Promise.resolve(gantry));

  it("errors have a code and a hint", async () => {
    await assert.rejects(gantry.run("no-such-image", [], { pull: "never" }), { code: "NO_SUCH_IMAGE" });
    await assert.rejects(gantry.containers.get("nobody"), { code: "NO_SUCH_CONTAINER" });
    assert.throws(() => new Gantry({ host: "carrier-pigeon://x" }), { code: "BAD_HOST" });
    await assert.rejects(new Gantry({ host: "unix:///nowhere" }).version(), { code: "ENGINE_UNREACHABLE" });
  });

  it("an engine whose program is killed goes with all that is in it", async () => {
    const script = `
      import { existsSync } from "node:fs";
      import { Gantry } from "${REPO}/src/sdk/index.ts";
      const gantry = await Gantry.start({ images: ["busybox"] });
      const network = await gantry.networks.create("yard");
      const bridge = "br-" + network.id.slice(0, 12);
      await gantry.containers.start("busybox", { command: ["sleep", "300"], network: "yard", restart: "always" });
      console.log(JSON.stringify({ folder: gantry.folder, bridge, up: existsSync("/sys/class/net/" + bridge) }));
      process.kill(process.pid, "SIGKILL");`;
    const { stdout, stderr } = await run(process.execPath, [
      ...["--import", "tsx", "--input-type=module", "--eval", script],
    ]);
    const { folder, bridge, up } = JSON.parse(stdout || stderr) as { folder: string; bridge: string; up: boolean };
    assert.equal(up, true);
    await until(() => !fs.existsSync(folder), { what: "the engine's folder to be gone", timeout: 20_000 });
    assert.equal(fs.existsSync(`/sys/class/net/${bridge}`), false);
    assert.equal(fs.readFileSync("/proc/self/mounts", "utf8").includes(folder), false);
  });

  it("an engine behind ssh: requests, streams both ways", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-sdk-"));
    // What ssh does, without the network: the words after the host are a command line for a shell.
    const ssh = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nPATH="${path.dirname(GANTRY)}:$PATH" exec sh -c "$*"\n`;
    fs.writeFileSync(path.join(folder, "ssh"), ssh, { mode: 0o755 });
    const { PATH } = process.env;
    process.env["PATH"] = `${folder}:${PATH}`;
    try {
      const far = new Gantry({ host: `ssh://me@far${gantry.host.replace("unix://", "")}` });
      const { stdout } = await far.run("busybox", ["cat"], { input: "there and back" });
      assert.equal(stdout, "there and back");
      far.close();
    } finally {
      process.env["PATH"] = PATH;
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("a build takes secrets, named contexts and outputs, and says why a step was not cached", async () => {
    const folder = fs.mkdtempSync("/tmp/gantry-sdk-");
    const Dockerfile = [
      "FROM busybox AS made",
      "COPY word /word",
      "COPY --from=other name /name",
      'RUN --mount=type=secret,id=a --mount=type=secret,id=b,env=B test "$(cat /run/secrets/a) $B" = "one two"',
      "FROM scratch",
      "COPY --from=made /word /name /",
    ].join("\n");
    try {
      fs.mkdirSync(`${folder}/other`);
      for (const [name, text] of Object.entries({ Dockerfile, word: "1", "other/name": "n", ".dockerignore": "out" })) {
        fs.writeFileSync(`${folder}/${name}`, text);
      }
      process.env["SDK_TEST_B"] = "two";
      const chunks: Uint8Array[] = [];
      const build = (): Task<BuildEvent, string> =>
        gantry.images.build({
          context: folder,
          secrets: { a: Buffer.from("one"), b: { env: "SDK_TEST_B" } },
          contexts: { other: `${folder}/other` },
          outputs: [
            { type: "image" },
            { type: "local", dest: `${folder}/out` },
            {
              type: "tar",
              dest: async (bytes) => {
                for await (const chunk of bytes) chunks.push(chunk);
              },
            },
          ],
          why: true,
        });
      assert.match(await build(), /^sha256:/);
      assert.deepEqual(fs.readdirSync(`${folder}/out`), ["name", "word"]);
      assert.match(Buffer.concat(chunks).toString("latin1"), /ustar/);
      fs.writeFileSync(`${folder}/word`, "2");
      const events: BuildEvent[] = [];
      for await (const event of build()) events.push(event);
      const missed = events.find((event) => event.type === "missed");
      assert.ok(missed?.type === "missed" && missed.why?.reason === "changed");
      assert.deepEqual(
        missed.why.changes.map(({ what }) => what),
        ["file word"],
      );
      assert.ok(events.some((event) => event.type === "step" && event.stage === "made" && event.id === "1"));
      assert.equal(events.at(-1)?.type, "summary");
      assert.equal(fs.readFileSync(`${folder}/out/word`, "utf8"), "2");
      const { warnings } = await gantry.images.check({ context: folder });
      assert.deepEqual(warnings, []);
    } finally {
      delete process.env["SDK_TEST_B"];
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("an error within a stream has the engine's own kind, code and hint", async () => {
    const tar = fs.mkdtempSync("/tmp/gantry-sdk-");
    try {
      fs.writeFileSync(`${tar}/Dockerfile`, "FROM busybox\nCOPY nothing /\n");
      await assert.rejects(
        gantry.images.build({ context: tar }).finally(() => {}),
        (error: { code: string }) => {
          assert.notEqual(error.code, "DAEMON_ERROR");
          return true;
        },
      );
    } finally {
      fs.rmSync(tar, { recursive: true });
    }
  });
});
