import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-cdi-"));
const hookSaw = path.join(folder, "hook-saw");

const TOYS = `
cdiVersion: "0.6.0"
kind: acme.com/toy
containerEdits:
  env: ["ACME=yes"]
devices:
  - name: whole
    containerEdits:
      env: ["TOY=whole"]
      deviceNodes:
        - { path: /dev/toy, hostPath: /dev/null, permissions: rw }
        - { path: /dev/toy-zero, type: c, major: 1, minor: 5, fileMode: 0o600 }
      mounts:
        - { hostPath: ${folder}/toys.yaml, containerPath: /opt/toy/spec, options: [ro, nosuid, bind] }
      hooks:
        - { hookName: createContainer, path: /bin/sh, args: [sh, -c, "cat >${hookSaw}"] }
      additionalGids: [4242]
  - name: gone
    containerEdits:
      deviceNodes: [{ path: /dev/no-such-toy }]
`;

const GPUS = {
  cdiVersion: "0.5.0",
  kind: "nvidia.com/gpu",
  devices: ["0", "1", "all"].map((name) => ({ name, containerEdits: { env: [`GPU_${name}=yes`] } })),
};

let engine: TestEngine;
before(async () => {
  fs.writeFileSync(path.join(folder, "toys.yaml"), TOYS);
  engine = await TestEngine.start({ flags: ["--cdi-spec-dir", folder, "--cdi-spec-dir", path.join(folder, "later")] });
});
after(async () => {
  await engine.end();
  fs.rmSync(folder, { recursive: true, force: true });
});

const discovered = async (): Promise<string[]> => {
  const info = JSON.parse((await engine.get("/info")).text) as { DiscoveredDevices?: { Source: string; ID: string }[] };
  return (info.DiscoveredDevices ?? []).map(({ Source, ID }) => `${Source} ${ID}`);
};

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const toy = (device: string[], script: string): Promise<Ran> =>
    run(program, ["run", "--rm", ...device, "busybox", "sh", "-c", script], { env: engine.env });

  describe(`devices of CDI's files, through ${cli}`, () => {
    it("bring nodes, variables, mounts, groups and hooks", async () => {
      const script =
        'echo "$ACME $TOY"; stat -c "%t:%T %a" /dev/toy /dev/toy-zero; head -c1 /dev/toy-zero | od -An -tx1; head -1 /opt/toy/spec | wc -c; id -G; echo x >/dev/toy; touch /opt/toy/spec 2>/dev/null || echo read-only';
      const ran = await toy(["--device", "acme.com/toy=whole"], script);
      assert.equal(ran.code, 0, ran.stderr);
      assert.deepEqual(ran.stdout.trimEnd().split("\n"), [
        ...["yes whole", "1:3 666", "1:5 600", " 00", "1", "0 10 4242", "read-only"],
      ]);
      const state = JSON.parse(fs.readFileSync(hookSaw, "utf8")) as { status: string };
      assert.match(state.status, /creat/);
      fs.rmSync(hookSaw);
    });

    it("that nobody knows, or that the host lacks, are refused in Docker's words", async () => {
      const unknown = await toy(["--device", "acme.com/toy=other", "--device", "acme.com/toy=whole"], "true");
      assert.equal(unknown.code, 125);
      assert.match(unknown.stderr, /CDI device injection failed: unresolvable CDI devices acme\.com\/toy=other/);
      const missing = await toy(["--device", "acme.com/toy=gone"], "true");
      assert.notEqual(missing.code, 0);
      assert.match(missing.stderr, /CDI device injection failed: failed to stat CDI host device "\/dev\/no-such-toy"/);
    });

    it("serve --gpus where a file names GPUs, and without one it has no driver", async () => {
      const without = await toy(["--gpus", "all"], "true");
      assert.equal(without.code, 125);
      assert.match(without.stderr, /could not select device driver "" with capabilities: \[\[gpu\]\]/);
      const file = path.join(folder, "gpus.json");
      fs.writeFileSync(file, JSON.stringify(GPUS));
      try {
        const seen = async (gpus: string): Promise<string> => {
          const ran = await toy(["--gpus", gpus], "env | grep ^GPU | sort");
          assert.equal(ran.code, 0, ran.stderr);
          return ran.stdout.trimEnd();
        };
        assert.equal(await seen("all"), "GPU_all=yes");
        assert.equal(await seen("2"), "GPU_0=yes\nGPU_1=yes");
        assert.equal(await seen('"device=1"'), "GPU_1=yes");
        assert.equal(await seen("driver=nvidia,count=1,capabilities=utility"), "GPU_0=yes");
        const other = await toy(["--gpus", "driver=other"], "true");
        assert.match(other.stderr, /could not select device driver "other" with capabilities: \[\[gpu\]\]/);
      } finally {
        fs.rmSync(file);
      }
    });
  });
}

it("shows what devices there are; a later folder goes over an earlier one, and of two files in one folder neither wins", async () => {
  assert.deepEqual(await discovered(), ["cdi acme.com/toy=gone", "cdi acme.com/toy=whole"]);
  assert.equal(
    await engine.ok("info", "-f", "{{json .CDISpecDirs}}"),
    JSON.stringify([folder, path.join(folder, "later")]),
  );
  const later = path.join(folder, "later");
  const spec = (kind: string): string =>
    JSON.stringify({ cdiVersion: "0.5.0", kind, devices: [{ name: "whole", containerEdits: { env: ["TOY=later"] } }] });
  fs.mkdirSync(later);
  fs.writeFileSync(path.join(later, "a.json"), spec("acme.com/toy"));
  const toy = await engine.ok("run", "--rm", "--device", "acme.com/toy=whole", "busybox", "sh", "-c", 'echo "$TOY"');
  assert.equal(toy, "later");
  fs.writeFileSync(path.join(later, "b.json"), spec("acme.com/toy"));
  assert.deepEqual(await discovered(), ["cdi acme.com/toy=gone"]);
  fs.writeFileSync(path.join(later, "broken.yaml"), "cdiVersion: [");
  assert.match(
    await engine.ok("info", "-f", "{{json .Warnings}}"),
    /CDI: Error associated with spec file .*broken\.yaml/,
  );
  fs.rmSync(later, { recursive: true });
});
