import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { NetworkInspect } from "../../src/wire/types/networks.ts";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";
import { assertTruth, chance, inspect } from "./facts.ts";

const ROUNDS = 4;
/** A request has been carried out after so many milliseconds, mostly. */
const LONGEST = 15;
const PORT = 8080;
/** Other moments: FAULT_SEED=7. */
const random = chance(Number(process.env["FAULT_SEED"] ?? 5));

/** With room for one container each: an address that stays taken is noticed by the next one. */
const NETWORKS = {
  base: ["--subnet", "10.9.0.0/30"],
  extra: ["--subnet", "10.9.1.0/30"],
  aaa: ["--subnet", "10.9.2.0/30", "--ipv6", "--subnet", "fd09::/126"],
  lan: ["-d", "macvlan", "-o", "parent=eth0", "--subnet", "198.51.100.0/30", "--gateway", "198.51.100.1"],
};

/** An engine that is killed while a container's networks change, and what it leaves. */
describe("kill -9 of the engine, networks and volumes", () => {
  const world = new World();
  let machine: Host;
  let neighbour: Host;
  let engine: TestEngine;

  before(async () => {
    machine = await world.host();
    neighbour = await world.host();
    await world.plug(machine, "eth0", "lan", "192.0.2.1/24");
    await world.plug(neighbour, "eth0", "lan", "192.0.2.2/24");
    engine = await TestEngine.start({ netns: machine.netns });
    for (const [name, options] of Object.entries(NETWORKS)) await engine.ok("network", "create", ...options, name);
    await start();
  });
  after(async () => {
    await engine.end();
    await world.close();
  });

  const start = (): Promise<string> =>
    engine.ok(
      ...["run", "-d", "--name", "web", "--init", "--network", "base", "-p", `${PORT}:80`, "busybox"],
      ...["nc", "-ll", "-p", "80", "-e", "echo", "hi"],
    );

  /** Sends it, kills the engine at some moment, and brings it up again. */
  async function cut(method: string, url: string, body?: object): Promise<void> {
    const asking = engine.get(url, method, body).catch(() => undefined);
    const pause = random() * LONGEST;
    await new Promise((resolve) => setTimeout(resolve, pause));
    await engine.crash();
    await asking;
    await engine.up();
  }

  const cables = (): number =>
    machine
      .ok("ip", "-o", "link")
      .split("\n")
      .filter((line) => line.includes(`alias gantry ${engine.bridge} `)).length;
  const namespaces = (): string[] => fs.readdirSync(path.join(engine.execRoot, "netns"));

  /** The networks that the container is on: its record, the networks', the kernel's and the firewall's say the same. */
  async function joined(): Promise<string[]> {
    await assertTruth(engine);
    const { Id, State } = await inspect(engine, "web");
    const names = (
      await engine.ok("inspect", "-f", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", Id)
    )
      .trim()
      .split(" ");
    const told: string[] = [];
    for (const name of Object.keys(NETWORKS)) {
      const { Containers } = JSON.parse((await engine.get(`/networks/${name}`)).text) as NetworkInspect;
      if (Object.keys(Containers ?? {}).includes(Id)) told.push(name);
    }
    assert.deepEqual(told.toSorted(), names.toSorted());
    const inside = world.within(State.Pid);
    const links = inside.ok("ip", "-o", "link").trim().split("\n");
    assert.equal(links.length, 1 + names.length, `${names}: ${links.join("\n")}`);
    assert.equal(cables(), names.filter((name) => name !== "lan").length);
    const routes = inside.ok("ip", "route", "show", "default").trim();
    assert.equal(routes.split("\n").length, 1, routes);
    assert.match(routes, names.includes("aaa") ? /via 10\.9\.2\.1/ : /via 10\.9\.0\.1/);
    assert.equal(inside.ok("ip", "-6", "route", "show", "default") !== "", names.includes("aaa"));
    assert.equal(await neighbour.ask("192.0.2.1", PORT), "hi");
    assert.deepEqual(namespaces(), [Id]);
    return names;
  }

  for (const network of ["extra", "aaa", "lan"]) {
    for (let round = 1; round <= ROUNDS; round++) {
      it(`plugging into and out of ${network} (${round})`, async () => {
        await cut("POST", `/networks/${network}/connect`, { Container: "web" });
        if (!(await joined()).includes(network)) await engine.ok("network", "connect", network, "web");
        assert.equal((await joined()).includes(network), true);
        await cut("POST", `/networks/${network}/disconnect`, { Container: "web" });
        if ((await joined()).includes(network)) await engine.ok("network", "disconnect", network, "web");
        assert.deepEqual(await joined(), ["base"]);
      });
    }
  }

  for (let round = 1; round <= ROUNDS; round++) {
    it(`removing a container on all of them (${round})`, async () => {
      for (const network of ["extra", "aaa", "lan"]) await engine.ok("network", "connect", network, "web");
      await cut("DELETE", "/containers/web?force=1");
      if (await engine.ok("ps", "-aq")) await engine.ok("rm", "-f", "web");
      await until(() => cables() === 0, { what: "the kernel to take the cables" });
      assert.deepEqual(namespaces(), []);
      assert.doesNotMatch(machine.ok("nft", "list", "ruleset"), /10\.9\.\d\.2/);
      assert.equal(await neighbour.ask("192.0.2.1", PORT, { timeout: 300 }), undefined);
      await start();
      assert.deepEqual(await joined(), ["base"]);
    });
  }

  for (let round = 1; round <= ROUNDS; round++) {
    it(`making and removing networks and volumes (${round})`, async () => {
      const bridge = { Name: "made", EnableIPv6: true, Options: { "com.docker.network.bridge.name": "made0" } };
      const hasBridge = async (): Promise<boolean> => (await machine.run("ip", "link", "show", "made0")).code === 0;
      const known = async (kind: string): Promise<boolean> => (await engine.docker(kind, "inspect", "made")).code === 0;
      await cut("POST", "/networks/create", bridge);
      assert.equal(await hasBridge(), await known("network"));
      if (!(await known("network"))) assert.equal((await engine.get("/networks/create", "POST", bridge)).status, 201);
      await cut("DELETE", "/networks/made");
      assert.equal(await hasBridge(), await known("network"));
      if (await known("network")) await engine.ok("network", "rm", "made");
      assert.equal(await hasBridge(), false);

      const folder = path.join(engine.dataRoot, "volumes/made");
      await cut("POST", "/volumes/create", { Name: "made" });
      assert.equal(fs.existsSync(folder), await known("volume"));
      await engine.ok("volume", "create", "made");
      await cut("DELETE", "/volumes/made");
      assert.equal(fs.existsSync(folder), await known("volume"));
      await engine.docker("volume", "rm", "made");
      assert.equal(fs.existsSync(folder), false);
      assert.deepEqual(await joined(), ["base"]);
    });
  }
});
