import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { encodeMessage } from "../../../src/drivers/netlink/message.ts";
import { planLoss, tablesOf } from "../../../src/drivers/traffic/chance.ts";
import { type KernelParts, planTraffic } from "../../../src/drivers/traffic/plan.ts";
import { addNetem, deleteQdisc } from "../../../src/drivers/traffic/qdiscs.ts";

const hex = (text: string): string => text.replaceAll(/\s/g, "");

test("netem is asked for as iproute2 6.1 asks for it", () => {
  // strace -e sendmsg tc qdisc add dev lo root netem delay 200ms 20ms loss 5% duplicate 1% corrupt 0.1% reorder 25% rate 10mbit limit 281
  const message = encodeMessage(
    addNetem(1, { delay: 200e6, jitter: 20e6, loss: 5, duplicate: 1, corrupt: 0.1, reorder: 25, rate: 10e6 }),
    7,
  );
  assert.equal(
    message.toString("hex"),
    hex(`78000000 2400 0006 07000000 00000000
      00000000 01000000 00000000 ffffffff 00000000
      0a00 0100 6e6574656d00 0000
      4800 0200 08af2f00 19010000 cdcccc0c 01000000 295c8f02 b4c40400
      0c00 0300 00000040 00000000
      0c00 0400 37894100 00000000
      1400 0600 d0121300 00000000 00000000 00000000`),
  );
});

test("a queue is as long as what is on its way", () => {
  const limit = (shape: Parameters<typeof addNetem>[1]): number =>
    encodeMessage(addNetem(1, shape), 1).readUInt32LE(16 + 20 + 12 + 4 + 4);
  assert.equal(limit({ delay: 1e9 }), 10_000);
  assert.equal(limit({ delay: 1e9, rate: 8e9 }), 726_569);
});

test("a link gets back what it has by itself", () => {
  const { type, ignore } = deleteQdisc(4);
  assert.deepEqual([type, ignore], [37, ["ENOENT", "EINVAL"]]);
});

const OLD: KernelParts = { netem: true, tbf: true, chance: false };
const BARE: KernelParts = { netem: false, tbf: true, chance: true };
const FULL: KernelParts = { netem: true, tbf: true, chance: true };

test("each part of a shape is done by the simplest part of the kernel that can", () => {
  for (const parts of [BARE, FULL]) {
    assert.deepEqual(planTraffic({ rate: 1e6 }, parts), { qdisc: { kind: "tbf", rate: 1e6 } });
    assert.deepEqual(planTraffic({ loss: 5 }, parts), { drop: 5 });
    assert.deepEqual(planTraffic({ loss: 5, rate: 1e6 }, parts), { qdisc: { kind: "tbf", rate: 1e6 }, drop: 5 });
  }
  assert.deepEqual(planTraffic({ delay: 1e6, rate: 1e6, loss: 5 }, FULL), {
    qdisc: { kind: "netem", delay: 1e6, rate: 1e6 },
    drop: 5,
  });
  assert.deepEqual(planTraffic({ rate: 1e6, loss: 5 }, OLD), { qdisc: { kind: "netem", rate: 1e6, loss: 5 } });
});

test("what the kernel can't do is named", () => {
  for (const [shape, words] of [
    [{ delay: 1e6, jitter: 1e5, loss: 5 }, /can't do delay, jitter: it has no netem/],
    [{ corrupt: 1 }, /can't do corrupt: /],
  ] as const) {
    assert.throws(
      () => planTraffic(shape, BARE),
      (error) => isGantryError(error, "CANNOT_SHAPE") && words.test(error.message),
    );
  }
  assert.throws(
    () => planTraffic({ loss: 5, rate: 1 }, { netem: false, tbf: false, chance: false }),
    /can't do rate, loss/,
  );
});

test("loss is a rule on what comes in by a link, in place of before", () => {
  assert.equal(
    planLoss("gantry_gantry0_gv01", "gv01", 0.5),
    [
      "add table netdev gantry_gantry0_gv01",
      "delete table netdev gantry_gantry0_gv01",
      "add table netdev gantry_gantry0_gv01",
      'add chain netdev gantry_gantry0_gv01 loss { type filter hook ingress device "gv01" priority 0; policy accept; }',
      "add rule netdev gantry_gantry0_gv01 loss numgen random mod 100000 < 500 drop",
      "",
    ].join("\n"),
  );
  assert.match(planLoss("t", "eth0", 100), /^add rule netdev t loss drop$/m);
  assert.throws(() => planLoss("t", 'eth0"; drop', 1), TypeError);
});

test("only tables of this engine's cables are its own", () => {
  const text = "table inet gantry_g0\ntable netdev gantry_g0_gv1\ntable netdev gantry_g01_gv2\ntable netdev other\n";
  assert.deepEqual(tablesOf(text, "gantry_g0_"), ["gantry_g0_gv1"]);
});
