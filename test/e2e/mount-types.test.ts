import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
/** A folder of the host with a tmpfs mounted below it, in a mount that is shared. */
let host: string;
before(async () => {
  engine = await TestEngine.start();
  const made = await run("docker", ["build", "-t", "tools", "-"], {
    env: engine.env,
    input:
      "FROM busybox\nRUN mkdir -p /opt/kit && echo sharp >/opt/kit/knife && ln -s /opt/kit /kit && ln -s /../../etc /out",
  });
  assert.equal(made.code, 0, made.stderr);
  host = path.join(engine.folder, "host");
  fs.mkdirSync(path.join(host, "sub"), { recursive: true });
  execFileSync("mount", ["--bind", host, host]);
  execFileSync("mount", ["--make-shared", host]);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", path.join(host, "sub")]);
  fs.writeFileSync(path.join(host, "sub/below"), "");
});
after(async () => {
  execFileSync("umount", ["-R", host]);
  await engine.end();
});

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const sh = async (script: string, ...flags: string[]): Promise<string> => {
    const ran = await call("run", "--rm", ...flags, "busybox", "sh", "-c", script);
    assert.equal(ran.code, 0, `${flags.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  };
  const fails = async (words: RegExp, ...flags: string[]): Promise<void> => {
    const ran = await call("run", "--rm", ...flags, "busybox", "true");
    // to docker's client "no such file or directory" is 127
    assert.match(String(ran.code), /^12[57]$/, ran.stdout + ran.stderr);
    assert.match(ran.stderr, words);
  };

  describe(`mounts of an image, through ${cli}`, () => {
    it("show its files, or those of one folder, and nobody can write to them", async () => {
      const image = "type=image,src=tools,dst=/img";
      assert.equal(
        await sh("cat /img/opt/kit/knife; touch /img/x 2>/dev/null || echo no", "--mount", image),
        "sharp\nno",
      );
      assert.equal(await sh("cat /img/knife", "--mount", `${image},image-subpath=opt/kit`), "sharp");
      assert.equal(await sh("cat /img/knife", "--mount", `${image},image-subpath=kit`), "sharp", "through a link");
      assert.equal(await sh("cat /img", "--mount", `${image},image-subpath=opt/kit/knife`), "sharp", "a file");
      assert.equal(await sh("ls /img | head -1", "--mount", `${image},image-subpath=out`), "group", "never out of it");
    });

    it("are refused where there is nothing to mount", async () => {
      const nosuch = /invalid mount config for type "image": No such image: nosuch/;
      await fails(nosuch, "--mount", "type=image,src=nosuch,dst=/x");
      await fails(/cannot access path nope/, "--mount", "type=image,src=tools,dst=/x,image-subpath=nope");
      await fails(/subpath must be a relative path/, "--mount", "type=image,src=tools,dst=/x,image-subpath=../x");
    });

    it("keep the image, are shown by inspect, and go on with --volumes-from", async () => {
      const id = (
        await call("create", "--mount", "type=image,src=tools,dst=/img,image-subpath=opt", "busybox")
      ).stdout.trim();
      const [row] = JSON.parse(await engine.ok("inspect", "-f", "{{json .Mounts}}", id)) as Record<string, unknown>[];
      const tools = await engine.ok("image", "inspect", "-f", "{{.Id}}", "tools");
      assert.deepEqual(row, {
        ...{ Type: "image", Name: "tools", Source: tools, Destination: "/img", Mode: "", RW: false },
        Propagation: "rprivate",
      });
      assert.match(
        (await call("rmi", tools)).stderr,
        /unable to (delete|remove)|is using its referenced image|conflict/i,
      );
      assert.equal(await sh("ls /img", "--volumes-from", id), "kit");
      await engine.ok("rm", id);
    });
  });

  describe(`binds, through ${cli}`, () => {
    const bind = (options: string): string[] => ["--mount", `type=bind,src=${host},dst=/b${options}`];

    it("show what is mounted below unless told not to", async () => {
      assert.equal(await sh("ls /b/sub", ...bind("")), "below");
      assert.equal(await sh("ls /b/sub", ...bind(",bind-recursive=disabled")), "");
    });

    it("that are read-only are so all the way down, or at the top alone", async () => {
      const write = "touch /b/x 2>/dev/null && echo top; touch /b/sub/x 2>/dev/null && echo below; true";
      assert.equal(await sh(write, ...bind(",readonly")), "");
      assert.equal(await sh(write, ...bind(",readonly,bind-recursive=writable")), "below");
      assert.equal(await sh(write, ...bind(",readonly,bind-recursive=readonly,bind-propagation=rprivate")), "");
      fs.rmSync(path.join(host, "sub/x"));
    });

    it("let mounts through as asked, and are refused where the host's mount is private", async () => {
      for (const [propagation, seen] of [
        ["rslave", "late"],
        ["rprivate", ""],
      ] as const) {
        const id = await engine.ok(
          "run",
          "-d",
          "--init",
          ...bind(`,bind-propagation=${propagation}`),
          "busybox",
          "sleep",
          "100",
        );
        const late = path.join(host, "late");
        fs.mkdirSync(late, { recursive: true });
        execFileSync("mount", ["-t", "tmpfs", "tmpfs", late]);
        fs.writeFileSync(path.join(late, "late"), "");
        assert.equal(await engine.ok("exec", id, "ls", "/b/late"), seen, propagation);
        execFileSync("umount", [late]);
        await engine.ok("rm", "-f", id);
      }
      const alone = fs.mkdtempSync("/dev/shm/gantry-alone-");
      try {
        execFileSync("mount", ["-t", "tmpfs", "tmpfs", alone]);
        execFileSync("mount", ["--make-private", alone]);
        const words = new RegExp(`path ${alone} is mounted on ${alone} but it is not a shared or slave mount`);
        await fails(words, "-v", `${alone}:/b:rslave`);
        await fails(/but it is not a shared mount/, "-v", `${alone}:/b:rshared`);
      } finally {
        execFileSync("umount", [alone]);
        fs.rmdirSync(alone);
      }
    });

    it("of the engine's own data hold no mount of it back", async () => {
      const id = await engine.ok("create", "-v", "/:/host", "busybox", "true");
      assert.equal(await engine.ok("inspect", "-f", "{{(index .Mounts 0).Propagation}}", id), "rslave");
      await engine.ok("rm", id);
      await fails(
        /must use either propagation mode "rslave" or "rshared"/,
        "--mount",
        "type=bind,src=/,dst=/b,bind-propagation=private",
      );
    });
  });

  describe(`other mounts, through ${cli}`, () => {
    it("of types that Linux or a single host lacks are refused", async () => {
      await fails(/invalid mount config for type "npipe": mount type unknown/, "--mount", "type=npipe,src=x,dst=/x");
      await fails(
        /invalid mount config for type "cluster": mount type unknown/,
        "--mount",
        "type=cluster,src=x,dst=/x",
      );
    });

    it("of tmpfs have size, mode and ways of their own", async () => {
      const shown = await sh(
        "mount | grep ' /t '; stat -c %a /t",
        "--mount",
        "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770",
      );
      assert.match(shown, /noexec.*size=1024k/);
      assert.match(shown, /^1770$/m);
      assert.match(
        await sh("mount | grep ' /t '", "--tmpfs", "/t:exec,size=2m"),
        /rw,nosuid,nodev,relatime,size=2048k/,
      );
    });

    it("of volumes take labels, a driver's options and subfolders", async () => {
      const spec =
        "type=volume,src=made,dst=/v,volume-label=a=b,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m";
      assert.match(await sh("mount | grep ' /v '", "--mount", spec), /tmpfs .*size=1024k/);
      assert.equal(await engine.ok("volume", "inspect", "-f", "{{json .Labels}}", "made"), '{"a":"b"}');
      await engine.ok("volume", "rm", "made");
      await sh("mkdir -p /v/a/b; echo deep >/v/a/b/c", "-v", "deep:/v");
      assert.equal(await sh("cat /v/c", "--mount", "type=volume,src=deep,dst=/v,volume-subpath=a/b"), "deep");
      await engine.ok("volume", "rm", "deep");
    });
  });
}

it("keeps an image's files mounted over the engine's end, and takes them away with the container", async () => {
  const args = ["--mount", "type=image,src=tools,dst=/img", "busybox", "sleep", "1000"];
  const id = await engine.ok("run", "-d", "--init", ...args);
  await engine.crash();
  await engine.up();
  assert.equal(await engine.ok("exec", id, "cat", "/img/opt/kit/knife"), "sharp");
  const workspaces = (): string[] => fs.readdirSync(path.join(engine.dataRoot, "workspaces"));
  assert.ok(workspaces().some((name) => name.startsWith(`${id}.`)));
  await engine.ok("stop", "-t", "0", id);
  assert.deepEqual(
    workspaces().filter((name) => name.startsWith(`${id}.`)),
    [],
  );
  await engine.ok("start", id);
  assert.equal(await engine.ok("exec", id, "cat", "/img/opt/kit/knife"), "sharp");
  await engine.ok("rm", "-f", id);
});
