import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
let work: string;

before(async () => {
  engine = await TestEngine.start();
  work = path.join(engine.folder, "work");
  fs.mkdirSync(work);
  const script =
    "mkdir -p /d/sub; echo one >/d/one; ln /d/one /d/hard; ln -s one /d/l; chown 5:6 /d/one; echo v >/vol/f; touch /up; sleep 1000";
  const mounts = ["-v", "vol:/vol", "--tmpfs", "/t"];
  await engine.ok("run", "-d", "--name", "box", ...mounts, "busybox", "sh", "-c", script);
  await until(async () => (await engine.docker("exec", "box", "test", "-e", "/up")).code === 0, { what: "its files" });
});
after(() => engine.end());

for (const [client, file] of [
  ["docker", "docker"],
  ["gantry", GANTRY],
] as const) {
  describe(`export and commit through ${client}`, () => {
    const sh = (script: string): Promise<Ran> => run("sh", ["-ec", script], { env: engine.env, cwd: work });

    it("exports the tree without what is mounted in it, and imports it again", async () => {
      const made = await sh(`"${file}" export box | "${file}" import - exported; "${file}" export -o box.tar box`);
      assert.equal(made.code, 0, made.stderr);
      const look = "cat /d/one; ls -A /vol /t; stat -c '%u:%g' /d/one";
      assert.equal(await engine.ok("run", "--rm", "exported", "sh", "-c", look), "one\n/t:\n\n/vol:\n5:6");
      const listed = (await run("tar", ["-tf", "box.tar"], { cwd: work })).stdout.split("\n");
      assert.ok(listed.includes(".dockerenv") && listed.includes("etc/hosts") && !listed.includes("vol/f"));
      await engine.ok("rmi", "exported");
    });

    it("makes an image of what a container changed, with its settings and Dockerfile instructions over them", async () => {
      const changes = ["CMD ls /d", "ENV B=2", "LABEL q=r", "USER nobody", "EXPOSE 81", "HEALTHCHECK CMD true"];
      const args = changes.map((change) => `-c '${change}'`).join(" ");
      const made = await sh(`"${file}" commit -m words -a 'Me <m@e>' ${args} box made:1`);
      assert.match(made.stdout, /^sha256:[0-9a-f]{64}\n$/, made.stderr);
      const [image] = JSON.parse(await engine.ok("inspect", "made:1"));
      assert.equal(image.Id, made.stdout.trim());
      assert.equal(image.RootFS.Layers.length, 2);
      assert.deepEqual([image.Comment, image.Author], ["words", "Me <m@e>"]);
      const { Cmd, Env, Labels, User, ExposedPorts, Healthcheck } = image.Config;
      assert.deepEqual([Cmd, Labels, User], [["/bin/sh", "-c", "ls /d"], { q: "r" }, "nobody"]);
      assert.ok(Env.includes("B=2") && "81/tcp" in ExposedPorts);
      assert.deepEqual(Healthcheck.Test, ["CMD-SHELL", "true"]);
      const history = await engine.ok("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", "made:1");
      assert.match(history.split("\n")[0] ?? "", /^sh -c mkdir -p \/d\/sub; .*\|words$/);
      assert.equal(await engine.ok("run", "--rm", "made:1"), "hard\nl\none\nsub");
      assert.equal(await engine.ok("run", "--rm", "-u", "0", "made:1", "ls", "-A", "/vol"), "");
      assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "box"), "running");
      await engine.ok("rmi", "made:1");
    });

    it("refuses other instructions and bad names, and leaves nothing of them", async () => {
      const before = await engine.ok("images", "-aq");
      const layers = fs.readdirSync(path.join(engine.dataRoot, "layers")).length;
      for (const [args, words] of [
        ["-c 'RUN x' box", /run is not a valid change command/],
        ["box BAD", /must be lowercase/],
        ["nosuch", /No such container: nosuch/],
      ] as const) {
        const ran = await sh(`"${file}" commit ${args}`);
        assert.notEqual(ran.code, 0);
        assert.match(ran.stderr, words);
      }
      assert.equal(await engine.ok("images", "-aq"), before);
      assert.equal(fs.readdirSync(path.join(engine.dataRoot, "layers")).length, layers);
    });

    it("adds no layer for a container that changed nothing", async () => {
      const id = await engine.ok("run", "-d", "busybox", "grep", "^overlay / ", "/etc/mtab");
      assert.equal(await engine.ok("wait", id), "0");
      assert.equal(await engine.ok("diff", id), "");
      const made = await sh(`"${file}" commit ${id}`);
      const image = made.stdout.trim();
      assert.equal(await engine.ok("inspect", "-f", "{{len .RootFS.Layers}}", image), "1", made.stderr);
      await engine.ok("rm", id);
      await engine.ok("rmi", image);
    });
  });
}
