import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, shaped } from "../../../../src/server/encode/old-shapes.ts";
import { callOf } from "../call.ts";

const inVersion = (minor: number, answer: Answer, body: object): unknown =>
  JSON.parse(JSON.stringify(shaped(callOf({ minor }), answer, body)));

test("the newest version's shape is left alone", () => {
  const info = { RuncCommit: { ID: "x" }, FirewallBackend: { Driver: "nftables" } };
  assert.deepEqual(inVersion(51, "info", info), info);
});

test("Compose 1 gets the shapes of 1.41, whatever version it asks for", () => {
  const agents = ["docker-compose/1.29.2 docker-py/5.0.3 Linux/6.1", "docker-compose/2.40", undefined];
  const hasConfig = agents.map((agent) => {
    const call = callOf({ minor: 51, ...(agent !== undefined && { agent }) });
    return "ContainerConfig" in shaped<object>(call, "image", { Config: {} });
  });
  assert.deepEqual(hasConfig, [true, false, false]);
});

test("the aliases on one's own networks held short id and hostname until 1.45", () => {
  const container = {
    Id: "0123456789abcdef",
    Config: { Hostname: "web" },
    State: { Status: "running" },
    NetworkSettings: { Networks: { bridge: { Aliases: null }, mine: { Aliases: ["db", "web"] } } },
  };
  const networks = (minor: number): unknown =>
    (inVersion(minor, "container", container) as typeof container).NetworkSettings.Networks;
  assert.deepEqual(networks(45), container.NetworkSettings.Networks);
  assert.deepEqual(networks(44), { bridge: { Aliases: null }, mine: { Aliases: ["db", "web", "0123456789ab"] } });
  // Compose 1 takes them for a sign that it has set the network up
  container.State.Status = "created";
  assert.deepEqual(networks(44), container.NetworkSettings.Networks);
});

test("an untagged image had <none> for a name until 1.43", () => {
  const row = { RepoTags: [], RepoDigests: ["a@sha256:1"], Size: 3 };
  assert.deepEqual(inVersion(43, "image-row", row), { ...row, VirtualSize: 3 });
  assert.deepEqual(inVersion(42, "image-row", row), { ...row, VirtualSize: 3, RepoTags: ["<none>:<none>"] });
});

test("security options were bare names until 1.25", () => {
  const info = { SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"] };
  const old = inVersion(24, "info", info) as { SecurityOptions: string[] };
  assert.deepEqual(old.SecurityOptions, ["seccomp", "cgroupns"]);
});
