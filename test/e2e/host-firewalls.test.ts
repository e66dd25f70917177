import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { Firewalld, Ufw } from "../support/host-firewalls.ts";
import { scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const OUTSIDE = "192.0.2.2";

/** A host whose own firewall forwards nothing that it doesn't know, and another host outside. */
describe("next to a host's firewall", () => {
  const world = new World();
  const folder = scratch("firewalls");
  let host: Host;
  let outside: Host;
  let engine: TestEngine;
  let firewalld: Firewalld;

  before(async () => {
    [host, outside] = await world.neighbours();
    await outside.serve(80);
    firewalld = await Firewalld.start(host, folder.path);
    engine = await TestEngine.start({ netns: host.netns, daemonEnv: firewalld.env });
    await engine.ok(
      "run",
      "-d",
      "--name",
      "web",
      "-p",
      "8080:80",
      "busybox",
      "nc",
      "-ll",
      "-p",
      "80",
      "-e",
      "echo",
      "x",
    );
  });

  after(async () => {
    await engine.end();
    await world.close();
    folder[Symbol.dispose]();
  });

  const reachesOut = async (): Promise<boolean> =>
    (await engine.docker("exec", "web", "nc", "-w", "1", OUTSIDE, "80")).stdout === HOST;
  const works = async (): Promise<void> => {
    await until(reachesOut, { what: "the container to reach out", timeout: 5000 });
    assert.equal(await outside.ask(HOST, 8080), "x");
  };
  const listed = (tool: string): string => host.ok(tool, "-S", "FORWARD");

  test("firewalld takes the bridges, again after its reload, and gives them back", async () => {
    await works();
    assert.match((await firewalld.tell("--get-active-zones")).stdout, new RegExp(engine.bridge));
    await firewalld.tell("--reload");
    await works();
    await engine.ok("network", "create", "more");
    const more = `br-${(await engine.ok("network", "inspect", "-f", "{{.Id}}", "more")).slice(0, 12)}`;
    const zones = async (): Promise<string> => (await firewalld.tell("--get-active-zones")).stdout;
    await until(async () => (await zones()).includes(more), { what: "a new network's bridge" });
    await engine.ok("network", "rm", "more");
    await firewalld.end();
    await works();
  });

  test("ufw's policy and reload stop nothing", async () => {
    const ufw = new Ufw(host, folder.sub("ufw"));
    ufw.run("--force", "enable");
    assert.match(listed("iptables"), /-P FORWARD DROP/);
    await works();
    ufw.run("reload");
    await works();
    ufw.run("disable");
    assert.match(listed("iptables"), /-P FORWARD ACCEPT/);
    await until(() => !listed("iptables").includes(engine.bridge), { what: "our rules to go with the policy" });
  });

  for (const kind of ["nft", "legacy"]) {
    test(`a policy of iptables-${kind} that comes later stops nothing, but a rule does`, async () => {
      for (const family of ["iptables", "ip6tables"]) host.ok(`${family}-${kind}`, "-P", "FORWARD", "DROP");
      await works();
      await until(() => listed(`ip6tables-${kind}`).includes(engine.bridge), { what: "rules for IPv6" });
      host.ok(`iptables-${kind}`, "-I", "FORWARD", "-d", OUTSIDE, "-j", "DROP");
      assert.equal(await reachesOut(), false);
      host.ok(`iptables-${kind}`, "-F", "FORWARD");
      await works();
      for (const family of ["iptables", "ip6tables"]) host.ok(`${family}-${kind}`, "-P", "FORWARD", "ACCEPT");
      await until(() => !listed(`iptables-${kind}`).includes(engine.bridge), { what: "our rules to go" });
    });
  }

  test("a chain of the administrator's is left alone; the log says what it needs", async () => {
    host.ok(
      "nft",
      "add table inet admin; add chain inet admin strict { type filter hook forward priority 0; policy drop; }",
    );
    const complaint = `nft add rule inet admin strict iifname`;
    await until(() => engine.log.includes(complaint), { what: "word in the log" });
    assert.equal(await reachesOut(), false);
    for (const way of ["iifname", "oifname"]) {
      host.ok("nft", "add", "rule", "inet", "admin", "strict", way, engine.bridge, "accept");
    }
    await works();
    host.ok("nft", "delete", "table", "inet", "admin");
  });
});
