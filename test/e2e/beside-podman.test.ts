import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { baseImage } from "../side-by-side/base-image.ts";
import { hasProgram } from "../support/dockerd.ts";
import { run, TestEngine } from "../support/engine.ts";
import { scratch } from "../support/scratch.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const OUTSIDE = "192.0.2.2";
const SERVE = ["busybox", "busybox", "nc", "-ll", "-p", "80", "-e", "echo"];

describe("next to podman", { skip: hasProgram("podman") ? false : "podman is not installed" }, () => {
  const world = new World();
  const folder = scratch("podman");
  let host: Host;
  let outside: Host;
  let engine: TestEngine;

  before(async () => {
    [host, outside] = await world.neighbours();
    await outside.serve(80);
    engine = await TestEngine.start({ netns: host.netns });
    await engine.ok("run", "-d", "-p", "8080:80", ...SERVE, "gantry");
    const loaded = await run("podman", [...roots(), "load", "-q"], { env: process.env, input: baseImage().archive });
    assert.equal(loaded.code, 0, loaded.stderr);
  });

  after(async () => {
    await podman("rm", "-fa", "-t", "0");
    await engine.end();
    await run("umount", ["-l", `${folder.path}/root/vfs`]);
    await world.close();
    folder[Symbol.dispose]();
  });

  const roots = (): string[] => [
    ...["--root", `${folder.path}/root`, "--runroot", `${folder.path}/run`, "--network-config-dir", folder.sub("net")],
    ...["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--runtime", "runc"],
  ];
  async function podman(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await host.run("podman", ...roots(), ...args);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }

  test("containers of both reach out and are reached", async () => {
    const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
    await podman("run", "-d", ...limits, "-p", "9090:80", ...SERVE, "podman");
    assert.equal(await outside.ask(HOST, 8080), "gantry");
    assert.equal(await outside.ask(HOST, 9090), "podman");
    assert.equal(await engine.ok("run", "--rm", "busybox", "nc", OUTSIDE, "80"), HOST);
    assert.equal(await podman("run", "--rm", ...limits, "busybox", "busybox", "nc", OUTSIDE, "80"), HOST);
  });
});
