import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Firewalld, Ufw } from "../support/host-firewalls.ts";
import { scratch } from "../support/scratch.ts";
import { Visitors } from "../support/visitors.ts";

const { HOST, FRIEND } = Visitors;
const [STRANGER] = Visitors.STRANGER;

describe("published ports under a host's firewall", () => {
  let visitors: Visitors;
  before(async () => {
    visitors = await Visitors.start();
  });
  after(() => visitors.end());

  const strangerAsks = (): Promise<string | undefined> => visitors.stranger.ask(HOST, 5353, { protocol: "udp" });

  test("ufw decides", async () => {
    using folder = scratch("ufw");
    const ufw = new Ufw(visitors.host, folder.path);
    ufw.run("--force", "enable");
    for (const from of FRIEND) ufw.run("allow", "from", from);
    assert.ok(await visitors.letsIn("friend"));
    assert.equal(await visitors.letsIn("stranger"), false);
    ufw.run("allow", "5353/udp");
    assert.equal(await strangerAsks(), STRANGER);
    ufw.run("disable");
  });

  test("firewalld decides", async () => {
    using folder = scratch("firewalld");
    const firewalld = await Firewalld.start(visitors.host, folder.path);
    for (const source of FRIEND) await firewalld.tell("--zone=trusted", `--add-source=${source}`);
    assert.ok(await visitors.letsIn("friend"));
    assert.equal(await visitors.letsIn("stranger"), false);
    await firewalld.tell("--add-port=5353/udp");
    assert.equal(await strangerAsks(), STRANGER);
    await firewalld.end();
    assert.ok(await visitors.letsIn("stranger"));
  });
});
