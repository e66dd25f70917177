import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountSpec } from "../../../../src/base/container-config.ts";
import { createRequestOf } from "../../../../src/server/decode/old-requests.ts";
import type { ContainerCreateRequest } from "../../../../src/wire/types/containers.ts";
import { callOf } from "../call.ts";

const asked = (minor: number, body: ContainerCreateRequest, cgroupVersion: 1 | 2 = 1): ContainerCreateRequest =>
  createRequestOf(callOf({ minor }), body, { cgroupVersion }).body;

test("options count from the version on that brought them", () => {
  const HostConfig = { AutoRemove: true, Annotations: { a: "1" }, ConsoleSize: [1, 2] as [number, number] };
  const kept = (minor: number): string[] => Object.keys(asked(minor, { HostConfig }, 2).HostConfig ?? {}).toSorted();
  assert.deepEqual(kept(43), ["Annotations", "AutoRemove", "ConsoleSize"]);
  assert.deepEqual(kept(42), ["AutoRemove", "ConsoleSize"]);
  assert.deepEqual(kept(41), ["AutoRemove"]);
  assert.deepEqual(kept(24), ["IpcMode"]);
});

test("old clients get the old defaults of namespaces", () => {
  assert.deepEqual(asked(41, {}).HostConfig, {});
  assert.deepEqual(asked(40, {}).HostConfig, { CgroupnsMode: "host" });
  assert.deepEqual(asked(39, {}).HostConfig, { CgroupnsMode: "host", IpcMode: "shareable" });
  assert.deepEqual(asked(39, {}, 2).HostConfig, { IpcMode: "shareable" });
  assert.equal(asked(39, { HostConfig: { IpcMode: "none" } }).HostConfig?.IpcMode, "none");
});

test("mounts: options of another type are refused since 1.42, before they were ignored", () => {
  const mount: MountSpec = { Type: "tmpfs", Target: "/t", BindOptions: { Propagation: "shared" } };
  const words = 'BindOptions must not be specified on mount type "tmpfs"';
  assert.throws(() => asked(42, { HostConfig: { Mounts: [mount] } }), { message: words });
  assert.deepEqual(asked(41, { HostConfig: { Mounts: [mount] } }).HostConfig?.Mounts, [
    { Type: "tmpfs", Target: "/t" },
  ]);
});

test("what an old client cannot have meant is refused", () => {
  const create = (minor: number, mount: MountSpec): unknown => asked(minor, { HostConfig: { Mounts: [mount] } });
  const part: MountSpec = { Type: "volume", Target: "/v", Source: "v", VolumeOptions: { Subpath: "x" } };
  assert.throws(() => create(44, part), { message: "VolumeOptions.Subpath needs API v1.45 or newer" });
  assert.ok(create(45, part));
  assert.throws(() => create(47, { Type: "image", Target: "/i" }), {
    message: 'Mount type "Image" needs API v1.48 or newer',
  });
  const NetworkingConfig = { EndpointsConfig: { a: {}, b: {} } };
  assert.throws(() => asked(43, { NetworkingConfig }), {
    message: "Container cannot be created with multiple network endpoints: a, b",
  });
});

test("no endpoint came before the others until 1.48", () => {
  const create = (minor: number): unknown =>
    asked(minor, { NetworkingConfig: { EndpointsConfig: { mine: { GwPriority: 5 } } } }).NetworkingConfig;
  assert.deepEqual(create(48), { EndpointsConfig: { mine: { GwPriority: 5 } } });
  assert.deepEqual(create(47), { EndpointsConfig: { mine: {} } });
});

test("the container's MAC address goes to its main network, with a warning since 1.44", () => {
  const MacAddress = "02:42:00:00:00:01";
  const body = { MacAddress, HostConfig: { NetworkMode: "mine" } };
  const { body: now, warnings } = createRequestOf(callOf({ minor: 51 }), body, { cgroupVersion: 2 });
  assert.deepEqual(now.NetworkingConfig, { EndpointsConfig: { mine: { MacAddress } } });
  assert.equal("MacAddress" in now, false);
  assert.match(warnings.join(), /is now deprecated/);
  const old = createRequestOf(callOf({ minor: 43 }), body, { cgroupVersion: 2 });
  assert.deepEqual([old.body.NetworkingConfig, old.warnings], [now.NetworkingConfig, []]);
  assert.throws(() => asked(43, { MacAddress, HostConfig: { NetworkMode: "host" } }), {
    message: "conflicting options: mac-address and the network mode",
  });
  const own = { EndpointsConfig: { bridge: { MacAddress } } };
  assert.deepEqual(asked(43, { NetworkingConfig: own }).NetworkingConfig, { EndpointsConfig: { bridge: {} } });
});
