import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const NEIGHBOUR = "192.0.2.2";

/** A small world: an engine's host, and a neighbour on its wire that sends what it likes. */
describe("neighbours of the host", () => {
  const world = new World();
  let host: Host;
  let neighbour: Host;
  let engine: TestEngine;
  let address: string;

  before(async () => {
    [host, neighbour] = await world.neighbours();
    engine = await TestEngine.start({ netns: host.netns });
    const script =
      "echo everybody | nc -ll -p 80 -e cat & nc -ll -p 81 -e echo local & nc -ll -p 82 -e echo secret & wait";
    await engine.ok(
      "run",
      "-d",
      "--name",
      "web",
      "-p",
      "8080:81",
      "-p",
      "127.0.0.1:8081:81",
      "busybox",
      "sh",
      "-c",
      script,
    );
    address = await engine.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web");
  });

  after(async () => {
    await engine.end();
    await world.close();
  });

  test("a published port answers the neighbour and the host", async () => {
    assert.equal(await neighbour.ask(HOST, 8080), "local");
    assert.equal(await host.ask("127.0.0.1", 8080), "local");
  });

  test("one on 127.0.0.1 answers the host only, also when 127.0.0.1 is routed there", async () => {
    assert.equal(await host.ask("127.0.0.1", 8081), "local");
    assert.equal(await neighbour.ask(HOST, 8081, { timeout: 500 }), undefined);
    await neighbour.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    neighbour.ok("ip", "addr", "del", "127.0.0.1/8", "dev", "lo");
    neighbour.ok("ip", "route", "add", "127.0.0.1/32", "via", HOST, "src", NEIGHBOUR);
    host.ok("nft", `add table ip seen; add chain ip seen c { type filter hook prerouting priority -400; }`);
    host.ok("nft", `add rule ip seen c iifname "eth0" ip daddr 127.0.0.1 counter`);
    assert.equal(await neighbour.ask("127.0.0.1", 8081, { timeout: 500 }), undefined);
    assert.match(host.ok("nft", "list", "table", "ip", "seen"), /127\.0\.0\.1 counter packets [1-9]/);
    assert.equal(await neighbour.ask("127.0.0.1", 8080, { timeout: 500 }), undefined);
  });

  test("a route to the containers opens none of their ports, published or not", async () => {
    neighbour.ok("ip", "route", "add", `${engine.subnet}.0/24`, "via", HOST);
    for (const port of [81, 82, 8080, 8081]) {
      assert.equal(await neighbour.ask(address, port, { timeout: 500 }), undefined, String(port));
    }
    assert.equal(await host.ask(address, 82), "secret");
  });
});
