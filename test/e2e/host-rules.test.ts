import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visitors } from "../support/visitors.ts";
import type { Host } from "../support/world.ts";

const { HOST } = Visitors;
const [FRIEND] = Visitors.FRIEND;
const [STRANGER, STRANGER6] = Visitors.STRANGER;
const INPUT = "add table inet rules; add chain inet rules in { type filter hook input priority 0; policy POLICY; }";

interface Writer {
  name: string;
  /** Keeps the stranger out. */
  deny(host: Host): void;
  relent(host: Host): void;
}

const iptables = (kind: "nft" | "legacy"): Writer => ({
  name: `iptables-${kind}'s INPUT`,
  deny(host) {
    host.ok(`iptables-${kind}`, "-A", "INPUT", "-s", STRANGER, "-j", "DROP");
    for (const protocol of ["tcp", "udp"])
      host.ok(`ip6tables-${kind}`, "-A", "INPUT", "-s", STRANGER6, "-p", protocol, "-j", "DROP");
  },
  relent(host) {
    for (const family of ["iptables", "ip6tables"]) host.ok(`${family}-${kind}`, "-F", "INPUT");
  },
});

const WRITERS: Writer[] = [
  {
    name: "an nft chain",
    deny(host) {
      host.ok("nft", INPUT.replace("POLICY", "accept"));
      host.ok("nft", `add rule inet rules in ip saddr ${STRANGER} meta l4proto { tcp, udp } drop`);
      host.ok("nft", `add rule inet rules in ip6 saddr ${STRANGER6} meta l4proto { tcp, udp } reject`);
    },
    relent: (host) => void host.ok("nft", "delete table inet rules"),
  },
  iptables("nft"),
  iptables("legacy"),
];

describe("published ports that obey the host's rules", () => {
  let visitors: Visitors;
  before(async () => {
    visitors = await Visitors.start();
  });
  after(() => visitors.end());

  test("without rules everybody comes in, also from the host itself and from containers", async () => {
    assert.ok(await visitors.letsIn("friend"));
    assert.ok(await visitors.letsIn("stranger"));
    assert.notEqual(await visitors.host.ask("127.0.0.1", 8080), undefined);
    assert.notEqual(await visitors.host.ask(HOST, 8081), undefined);
    assert.match(await visitors.engine.ok("run", "--rm", "busybox", "nc", HOST, "8080"), /^10\./);
  });

  for (const { name, deny, relent } of WRITERS) {
    test(`what ${name} denies stays denied, until it doesn't`, async () => {
      deny(visitors.host);
      assert.ok(await visitors.letsIn("friend"));
      assert.equal(await visitors.letsIn("stranger"), false);
      relent(visitors.host);
      assert.ok(await visitors.letsIn("stranger"));
    });
  }

  test("a policy of drop needs a rule for each published port, as for any program", async () => {
    const { host, friend } = visitors;
    host.ok("nft", INPUT.replace("POLICY", "drop"));
    host.ok("nft", "add rule inet rules in udp dport 5353 accept");
    assert.equal(await friend.ask(HOST, 8080, { timeout: 700 }), undefined);
    assert.equal(await friend.ask(HOST, 5353, { protocol: "udp" }), FRIEND);
    host.ok("nft", "insert rule inet rules in tcp dport 8080 accept");
    assert.equal(await friend.ask(HOST, 8080), FRIEND);
    host.ok("nft", "delete table inet rules");
  });
});
