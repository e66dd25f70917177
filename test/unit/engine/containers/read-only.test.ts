import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostConfig } from "../../../../src/base/container-config.ts";
import { refuseReadOnly } from "../../../../src/engine/containers/read-only.ts";
import type { ContainerRecord, MountPoint } from "../../../../src/engine/containers/record.ts";

const row = (Destination: string, RW: boolean, Type: MountPoint["Type"] = "volume"): MountPoint => ({
  ...{ Type, Source: "/host", Destination, Mode: "", RW, Propagation: "" },
});

/** The message, or "" when the folder may be written to. */
function refusal(folder: string, options: { mounts?: MountPoint[]; host?: HostConfig; running?: boolean }): string {
  const { mounts = [], host = {}, running = false } = options;
  const state = { status: running ? "running" : "exited" };
  try {
    refuseReadOnly({ mounts, hostConfig: host, state } as unknown as ContainerRecord, folder, (path) =>
      path.replace(/^\/link/, "/data"),
    );
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

const ROOT = "container rootfs is marked read-only";
const VOLUME = "mounted volume is marked read-only";

test("what is mounted at a folder decides whether it may be written to, else the root", () => {
  const host = { ReadonlyRootfs: true };
  assert.equal(refusal("/etc", {}), "");
  assert.equal(refusal("/etc", { host }), ROOT);
  assert.equal(refusal("/data/sub", { host, mounts: [row("/data", true)] }), "");
  assert.equal(refusal("/database", { host, mounts: [row("/data", true)] }), ROOT);
  assert.equal(refusal("/data", { mounts: [row("/data", false)] }), VOLUME);
  assert.equal(refusal("/data/in", { mounts: [row("/data", false), row("/data/in", true)] }), "");
  assert.equal(refusal("/data/in/x", { mounts: [row("/data", true), row("/data/in", false)] }), VOLUME);
  assert.equal(refusal("/data/x", { host, mounts: [row("/link", true)] }), "");
});

test("a tmpfs counts while the container runs", () => {
  const host = { ReadonlyRootfs: true, Tmpfs: { "/t": "size=1m", "/r": "ro" } };
  assert.equal(refusal("/t", { host, running: true }), "");
  assert.equal(refusal("/r", { host, running: true }), VOLUME);
  assert.equal(refusal("/t", { host }), ROOT);
  const mounts = [row("/t", true, "tmpfs")];
  assert.equal(refusal("/t/x", { host: { ReadonlyRootfs: true }, mounts, running: true }), "");
  assert.equal(refusal("/t/x", { host: { ReadonlyRootfs: true }, mounts }), ROOT);
});
