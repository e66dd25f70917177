import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { Firewalld, Ufw } from "../support/host-firewalls.ts";
import { scratch } from "../support/scratch.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const FRIEND = "192.0.2.2";
const STRANGER = "192.0.2.3";

/** The same questions with each way to write rules for what comes in: friends are let in, strangers are not. */
const WRITERS = [
  {
    name: "an nft chain",
    deny: (host: Host) => {
      host.ok(
        "nft",
        "add table inet rules; add chain inet rules in { type filter hook input priority 0; policy accept; }",
      );
      host.ok("nft", `add rule inet rules in ct state established,related accept`);
      host.ok("nft", `add rule inet rules in ip saddr ${STRANGER} meta l4proto { tcp, udp } drop`);
      host.ok("nft", `add rule inet rules in ip6 saddr 2001:db8::3 meta l4proto { tcp, udp } drop`);
    },
    relent: (host: Host) => host.ok("nft", "flush chain inet rules in"),
    end: (host: Host) => host.ok("nft", "delete table inet rules"),
  },
  {
    name: "iptables-nft's INPUT",
    deny: (host: Host) => {
      host.ok("iptables-nft", "-A", "INPUT", "-s", STRANGER, "-j", "DROP");
      host.ok("ip6tables-nft", "-A", "INPUT", "-s", "2001:db8::3", "-p", "tcp", "-j", "DROP");
      host.ok("ip6tables-nft", "-A", "INPUT", "-s", "2001:db8::3", "-p", "udp", "-j", "DROP");
    },
    relent: (host: Host) => {
      host.ok("iptables-nft", "-F", "INPUT");
      host.ok("ip6tables-nft", "-F", "INPUT");
    },
    end: () => {},
  },
  {
    name: "iptables-legacy's INPUT",
    deny: (host: Host) => {
      host.ok("iptables-legacy", "-A", "INPUT", "-s", STRANGER, "-j", "DROP");
      host.ok("ip6tables-legacy", "-A", "INPUT", "-s", "2001:db8::3", "-p", "tcp", "-j", "DROP");
      host.ok("ip6tables-legacy", "-A", "INPUT", "-s", "2001:db8::3", "-p", "udp", "-j", "DROP");
    },
    relent: (host: Host) => {
      host.ok("iptables-legacy", "-F", "INPUT");
      host.ok("ip6tables-legacy", "-F", "INPUT");
    },
    end: () => {},
  },
];

describe("published ports that obey the host's rules", () => {
  const world = new World();
  let host: Host;
  let friend: Host;
  let stranger: Host;
  let engine: TestEngine;
  let servers: ChildProcess[];

  before(async () => {
    [host, friend, stranger] = [await world.host(), await world.host(), await world.host()];
    await world.plug(host, "eth0", "lan", `${HOST}/24`, "2001:db8::1/64");
    await world.plug(friend, "eth0", "lan", `${FRIEND}/24`, "2001:db8::2/64");
    await world.plug(stranger, "eth0", "lan", `${STRANGER}/24`, "2001:db8::3/64");
    host.ok("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1");
    engine = await TestEngine.start({ netns: host.netns, flags: ["--published-ports", "host-rules"] });
    const ports = ["-p", "8080:80", "-p", "5353:53/udp", "-p", `${HOST}:8081:80`];
    await engine.ok("network", "create", "--ipv6", "six");
    await engine.ok("run", "-d", "--name", "web", "--network", "six", ...ports, "busybox", "sleep", "1000");
    const container = world.within(Number(await engine.ok("inspect", "-f", "{{.State.Pid}}", "web")));
    servers = [await container.serve(80), await container.serve(53, "udp")];
  });

  after(async () => {
    await world.end(...servers);
    await engine.end();
    await world.close();
  });
  /** Whether each port lets one in; the container is to see the true sender. */
  async function reached(by: Host, last: number): Promise<boolean> {
    const timeout = 700;
    const answers = await Promise.all([
      by.ask(HOST, 8080, { timeout }),
      by.ask(HOST, 8081, { timeout }),
      by.ask(HOST, 5353, { protocol: "udp", timeout }),
    ]);
    if (answers.every((answer) => answer === undefined)) return false;
    const four = `192.0.2.${last}`;
    assert.deepEqual(answers, [four, four, four]);
    return true;
  }

  test("without rules everybody comes in, at once, also from the host itself and from containers", async () => {
    assert.ok(await reached(friend, 2));
    assert.ok(await reached(stranger, 3));
    assert.notEqual(await host.ask("127.0.0.1", 8080), undefined);
    assert.notEqual(await host.ask(HOST, 8081), undefined);
    assert.match(await engine.ok("run", "--rm", "busybox", "nc", HOST, "8080"), /^10\./);
  });

  for (const { name, deny, relent, end } of WRITERS) {
    test(`what ${name} denies stays denied, until it doesn't`, async () => {
      assert.ok(await reached(stranger, 3));
      deny(host);
      assert.ok(await reached(friend, 2));
      assert.equal(await reached(stranger, 3), false);
      relent(host);
      assert.ok(await reached(stranger, 3));
      end(host);
    });
  }

  test("a policy of drop needs a rule for each published port, as for any program", async () => {
    host.ok("nft", "add table inet rules; add chain inet rules in { type filter hook input priority 0; policy drop; }");
    host.ok("nft", "add rule inet rules in ct state established,related accept");
    host.ok("nft", "add rule inet rules in udp dport 5353 accept");
    assert.equal(await friend.ask(HOST, 8080, { timeout: 700 }), undefined);
    assert.equal(await friend.ask(HOST, 5353, { protocol: "udp" }), FRIEND);
    host.ok("nft", "insert rule inet rules in tcp dport 8080 accept");
    assert.equal(await friend.ask(HOST, 8080), FRIEND);
    host.ok("nft", "delete table inet rules");
  });

  test("ufw decides", async () => {
    using folder = scratch("ufw");
    const ufw = new Ufw(host, folder.path);
    ufw.run("--force", "enable");
    assert.equal(await reached(friend, 2), false);
    for (const from of [FRIEND, "2001:db8::2"]) ufw.run("allow", "from", from);
    assert.ok(await reached(friend, 2));
    assert.equal(await reached(stranger, 3), false);
    ufw.run("allow", "5353/udp");
    assert.equal(await stranger.ask(HOST, 5353, { protocol: "udp" }), STRANGER);
    ufw.run("disable");
    assert.ok(await reached(stranger, 3));
  });

  test("firewalld decides", async () => {
    using folder = scratch("firewalld");
    const firewalld = await Firewalld.start(host, folder.path);
    assert.equal(await reached(friend, 2), false);
    for (const source of [FRIEND, "2001:db8::2"]) await firewalld.tell("--zone=trusted", `--add-source=${source}`);
    assert.ok(await reached(friend, 2));
    assert.equal(await reached(stranger, 3), false);
    await firewalld.tell("--add-port=5353/udp");
    assert.equal(await stranger.ask(HOST, 5353, { protocol: "udp" }), STRANGER);
    await firewalld.end();
    assert.ok(await reached(stranger, 3));
  });
});
