import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { NftFirewall } from "../../src/drivers/nft/nft-firewall.ts";
import type { FirewallNetwork, PublishedPort } from "../../src/ports/firewall.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { ip, World } from "./networks-world.ts";

let world: World;
before(() => {
  world = new World();
});
after(() => world.close());

const network = (bridge: string, subnet: string): FirewallNetwork => ({
  bridge,
  subnets: [subnet],
  internal: false,
  icc: true,
  masquerade: true,
});
const port = (hostPort: number, address = "172.30.0.2", hostAddress = "0.0.0.0"): PublishedPort => ({
  protocol: "tcp",
  hostAddress,
  hostPort,
  address,
  port: 80,
});
const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const firewallOf = (bridge: string): NftFirewall => new NftFirewall({ bridge, logger });
const nft = (...argv: string[]): string => execFileSync("nft", argv, { encoding: "utf8" });
const byPort = (ports: PublishedPort[] | undefined): number[] | undefined =>
  ports?.map((p) => p.hostPort).toSorted((a, b) => a - b);

test("ports go in and out one by one, repeated or not", () => {
  const firewall = firewallOf("b0");
  assert.equal(firewall.published(), undefined);
  firewall.sync([network("b0", "172.30.0.0/16")], []);
  firewall.publish([port(8080), port(8081, "172.30.0.3", "127.0.0.1")]);
  firewall.publish([port(8080)]);
  assert.deepEqual(
    firewall.published()?.toSorted((a, b) => a.hostPort - b.hostPort),
    [port(8080), port(8081, "172.30.0.3", "127.0.0.1")],
  );
  firewall.unpublish([port(8080), port(9999)]);
  firewall.unpublish([port(8080)]);
  assert.deepEqual(byPort(firewall.published()), [8081]);
  firewall.remove();
  assert.equal(firewall.published(), undefined);
});

test("a port is published also when the tables were taken away", () => {
  const firewall = firewallOf("b0");
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
  nft("flush", "ruleset");
  firewall.publish([port(8081)]);
  assert.deepEqual(byPort(firewall.published()), [8080, 8081]);
  firewall.remove();
});

test("an element that leads elsewhere by now is not taken out", () => {
  const firewall = firewallOf("b0");
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080, "172.30.0.9"), port(8081)]);
  firewall.unpublish([port(8080), port(8081)]);
  assert.deepEqual(firewall.published(), [port(8080, "172.30.0.9")]);
  assert.throws(() => firewall.publish([port(8080)]), /File exists/);
  firewall.remove();
});

test("sync repairs whatever was changed by hand, and leaves other tables alone", () => {
  nft("add table ip theirs; add chain ip theirs c; add rule ip theirs c counter");
  const firewall = firewallOf("b0");
  const other = firewallOf("b1");
  other.sync([network("b1", "172.31.0.0/16")], [port(1)]);
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
  const good = nft("list", "table", "inet", "gantry_b0");
  const damages = [
    "delete table inet gantry_b0",
    "flush chain inet gantry_b0 forward",
    "flush map inet gantry_b0 published_any",
    "add element inet gantry_b0 published_any { tcp . 1 : 1.2.3.4 . 5 }",
    // of another shape: only a replacement helps
    "delete table inet gantry_b0; add table inet gantry_b0; add map inet gantry_b0 published { type ipv4_addr : ipv4_addr; }",
  ];
  for (const damage of damages) {
    nft(damage);
    firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
    assert.equal(nft("list", "table", "inet", "gantry_b0"), good, damage);
  }
  assert.deepEqual(byPort(other.published()), [1]);
  assert.match(nft("list", "table", "ip", "theirs"), /counter/);
  firewall.remove();
  other.remove();
  nft("delete", "table", "ip", "theirs");
});

test("the table of an engine before IPv6 is replaced, and each mode has its own tables", () => {
  nft("add table ip gantry_b0; add chain ip gantry_b0 forward { type filter hook forward priority 0; policy drop; }");
  const families = (): string[] =>
    nft("list", "tables")
      .split("\n")
      .flatMap((line) => (line.endsWith(" gantry_b0") ? (line.split(" ")[1] ?? []) : []))
      .toSorted();
  const firewall = firewallOf("b0");
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
  assert.deepEqual(families(), ["inet", "netdev"]);
  const strict = new NftFirewall({ bridge: "b0", publishedPorts: "host-rules", logger });
  strict.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
  strict.publish([port(8081)]);
  strict.unpublish([port(8080)]);
  assert.deepEqual(families(), ["inet", "ip", "ip6", "netdev"]);
  assert.match(nft("list", "set", "ip", "gantry_b0", "guarded_any"), /elements = \{ tcp . 8081 \}/);
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)]);
  assert.deepEqual(families(), ["inet", "netdev"]);
  firewall.remove();
  assert.deepEqual(families(), []);
});

test("a cable is guarded from when it is there to when it goes, repeated or not", () => {
  const firewall = firewallOf("b0");
  firewall.sync([network("b0", "172.30.0.0/16")], []);
  ip("link add gv1 type veth peer name gv2");
  const cable = { link: "gv1", addresses: ["172.30.0.2", "fd00::2"] };
  const bare = nft("list", "table", "netdev", "gantry_b0");
  for (let n = 0; n < 2; n++) firewall.publish([port(8080)], [cable]);
  const guarded = nft("list", "table", "netdev", "gantry_b0");
  assert.match(guarded, /"gv1" \. 172\.30\.0\.2/);
  firewall.sync([network("b0", "172.30.0.0/16")], [port(8080)], [cable, { link: "gone", addresses: [] }]);
  assert.equal(nft("list", "table", "netdev", "gantry_b0"), guarded);
  for (let n = 0; n < 2; n++) firewall.unpublish([port(8080)], [cable]);
  assert.equal(nft("list", "table", "netdev", "gantry_b0"), bare);
  // the link may be gone before its guard is
  firewall.publish([], [cable]);
  ip("link del gv1");
  firewall.unpublish([], [cable]);
  assert.equal(nft("list", "table", "netdev", "gantry_b0"), bare);
  firewall.remove();
});

test("traffic passes another program's drop policy, but not its drop rules", () => {
  if (spawnSync("iptables", ["--version"]).status !== 0) {
    nft("add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }");
  } else execFileSync("iptables", ["-P", "FORWARD", "DROP"]);
  nft("add", "rule", "ip", "filter", "FORWARD", "ip", "daddr", "203.0.113.9", "drop");
  const before = nft("list", "chain", "ip", "filter", "FORWARD");
  const firewall = firewallOf("b0");
  firewall.sync([network("b0", "172.30.0.0/16"), network("b2", "172.32.0.0/16")], []);
  firewall.sync([network("b0", "172.30.0.0/16"), network("b2", "172.32.0.0/16")], []);
  const rules = nft("list", "chain", "ip", "filter", "FORWARD");
  assert.equal(rules.match(/iifname "b0"/g)?.length, 1, rules);
  assert.ok(rules.indexOf("203.0.113.9") < rules.indexOf('iifname "b0"'), "their rules stand before ours");
  firewall.sync([network("b0", "172.30.0.0/16")], []);
  assert.doesNotMatch(nft("list", "chain", "ip", "filter", "FORWARD"), /b2/);
  firewall.sync([], []);
  firewall.remove();
  assert.equal(nft("list", "chain", "ip", "filter", "FORWARD"), before);
  nft("delete", "table", "ip", "filter");
});
