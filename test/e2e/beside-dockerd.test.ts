import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Dockerd, hasProgram } from "../support/dockerd.ts";
import { TestEngine } from "../support/engine.ts";
import { scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const OUTSIDE = "192.0.2.2";
const SERVE = ["busybox", "busybox", "nc", "-ll", "-p", "80", "-e", "echo"];

/** One host with both engines, and another host outside. */
describe("next to dockerd", { skip: hasProgram("dockerd") ? false : "dockerd is not installed" }, () => {
  const world = new World();
  const folder = scratch("beside");
  let host: Host;
  let outside: Host;
  let dockerd: Dockerd;
  let engine: TestEngine;
  /** dockerd's rules before there was a gantryd. */
  let theirs: string;

  before(async () => {
    [host, outside] = await world.neighbours();
    await outside.serve(80);
    dockerd = new Dockerd(host, folder.path);
  });

  after(async () => {
    await dockerd.end();
    await world.close();
    folder[Symbol.dispose]();
  });

  /** Containers of both reach out and are reached. */
  async function bothWork(): Promise<void> {
    await until(async () => (await outside.ask(HOST, 8080, { timeout: 500 })) === "gantry", { what: "gantry's port" });
    assert.equal(await outside.ask(HOST, 9090), "docker");
    assert.equal(await engine.ok("run", "--rm", "busybox", "busybox", "nc", OUTSIDE, "80"), HOST);
    assert.equal(await dockerd.ok("run", "--rm", "busybox", "busybox", "nc", OUTSIDE, "80"), HOST);
  }

  /** dockerd's rules without ours and without counters. */
  const dockerRules = (): string =>
    ["iptables-save", "ip6tables-save"]
      .map((tool) => host.ok(tool))
      .join("")
      .split("\n")
      .filter((line) => !line.startsWith("#") && !/ (gt|br-)[0-9a-f]+ /.test(line))
      .map((line) => line.replace(/\[\d+:\d+\]/, ""))
      .join("\n");

  test("gantryd starts beside a dockerd with containers", async () => {
    await dockerd.up();
    await dockerd.ok(
      "run",
      "-d",
      "--name",
      "web",
      "-p",
      "9090:80",
      "--restart",
      "always",
      "--stop-signal",
      "KILL",
      ...SERVE,
      "docker",
    );
    theirs = dockerRules();
    engine = await TestEngine.start({ netns: host.netns });
    await engine.ok("run", "-d", "-p", "8080:80", ...SERVE, "gantry");
    await bothWork();
    assert.equal(dockerRules(), theirs);
  });

  test("dockerd starts again beside a gantryd with containers", async () => {
    await dockerd.down();
    assert.equal(await outside.ask(HOST, 8080), "gantry");
    await dockerd.up();
    await until(async () => (await outside.ask(HOST, 9090, { timeout: 500 })) === "docker", { what: "docker's port" });
    await bothWork();
  });

  test("networks of both have addresses of their own", async () => {
    await dockerd.ok("network", "create", "theirs");
    await engine.ok("network", "create", "ours");
    await bothWork();
    const routes = host
      .ok("ip", "-4", "route")
      .split("\n")
      .map((line) => line.split(" ")[0]);
    assert.equal(new Set(routes).size, routes.length, routes.join());
    await engine.ok("network", "rm", "ours");
    await dockerd.ok("network", "rm", "theirs");
  });

  test("dockerd's rules are as they were, and ours are gone with the last container's engine", async () => {
    await engine.end();
    assert.equal(dockerRules(), theirs);
    assert.doesNotMatch(host.ok("nft", "list", "ruleset"), /gantry/);
    assert.equal(await outside.ask(HOST, 9090), "docker");
  });

  test("dockerd comes when gantryd is there already", async () => {
    await dockerd.end();
    host.ok("nft", "flush", "ruleset");
    engine = await TestEngine.start({ netns: host.netns });
    try {
      await engine.ok("run", "-d", "-p", "8080:80", ...SERVE, "gantry");
      assert.equal(await outside.ask(HOST, 8080), "gantry");
      await dockerd.up();
      await dockerd.ok("run", "-d", "-p", "9090:80", ...SERVE, "docker");
      await bothWork();
      for (const tool of ["iptables", "ip6tables"]) host.ok(tool, "-P", "FORWARD", "DROP");
      await bothWork();
    } finally {
      await engine.end();
    }
  });
});
