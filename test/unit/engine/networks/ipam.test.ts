import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import { DEFAULT_POOLS, freeAddress, freeSubnet, requestedAddress } from "../../../../src/engine/networks/ipam.ts";
import {
  contains,
  formatAddress,
  formatRange,
  macOf,
  overlap,
  parseAddress,
  parseCidr,
  type Range,
} from "../../../../src/engine/networks/ipv4.ts";

const range = (text: string): Range => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed.range;
};

test("addresses are read and written, also above 127.255.255.255", () => {
  for (const text of ["0.0.0.0", "10.1.2.3", "172.30.0.1", "255.255.255.255"]) {
    assert.equal(formatAddress(parseAddress(text) ?? -1), text);
  }
  for (const text of ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", "1.2.3.4 ", "::1"]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test("a CIDR gives the address and its range", () => {
  const parsed = parseCidr("192.168.77.9/20");
  assert.equal(parsed && formatRange(parsed.range), "192.168.64.0/20");
  assert.equal(parsed && formatAddress(parsed.address), "192.168.77.9");
  for (const text of ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/a"]) assert.equal(parseCidr(text), undefined, text);
});

test("ranges overlap when they share an address", () => {
  assert.equal(overlap(range("10.0.0.0/8"), range("10.200.0.0/16")), true);
  assert.equal(overlap(range("172.16.0.0/16"), range("172.17.0.0/16")), false);
  assert.equal(contains(range("172.30.0.0/16"), parseAddress("172.30.255.255") ?? 0), true);
  assert.equal(contains(range("172.30.0.0/16"), parseAddress("172.31.0.0") ?? 0), false);
});

test("a MAC is 02:42 and the address, as Docker has it", () => {
  assert.equal(macOf(parseAddress("172.17.0.2") ?? 0), "02:42:ac:11:00:02");
});

test("a subnet is the first of the pools that meets nothing of the host's", () => {
  assert.equal(formatRange(freeSubnet(DEFAULT_POOLS, [])), "172.17.0.0/16");
  assert.equal(
    formatRange(freeSubnet(DEFAULT_POOLS, [range("172.17.0.0/16"), range("172.18.5.0/24")])),
    "172.19.0.0/16",
  );
  assert.equal(formatRange(freeSubnet(DEFAULT_POOLS, [range("172.0.0.0/8")])), "192.168.0.0/20");
  const small = [{ base: "10.10.0.0/24", size: 26 }];
  const taken = ["10.10.0.0/26", "10.10.0.64/26", "10.10.0.128/26"].map(range);
  assert.equal(formatRange(freeSubnet(small, taken)), "10.10.0.192/26");
  assert.throws(
    () => freeSubnet(small, [range("10.10.0.0/24")]),
    /all predefined address pools have been fully subnetted/,
  );
});

test("an address is the lowest free one and never the network's own or its broadcast", () => {
  const subnet = range("10.0.0.0/29");
  const used = new Set([parseAddress("10.0.0.1") ?? 0, parseAddress("10.0.0.3") ?? 0]);
  assert.equal(formatAddress(freeAddress(subnet, subnet, used)), "10.0.0.2");
  for (let last = 2; last <= 6; last++) used.add((parseAddress("10.0.0.0") ?? 0) + last);
  assert.throws(
    () => freeAddress(subnet, subnet, used),
    (e) => isGantryError(e, "NO_ADDRESS_LEFT"),
  );
  assert.equal(formatAddress(freeAddress(range("10.1.0.0/16"), range("10.1.5.0/24"), new Set())), "10.1.5.0");
});

test("a requested address must be inside, and free", () => {
  const subnet = range("10.0.0.0/24");
  const ask = (text: string): number =>
    requestedAddress(subnet, parseAddress(text), text, new Set([parseAddress("10.0.0.9") ?? 0]));
  assert.equal(formatAddress(ask("10.0.0.7")), "10.0.0.7");
  assert.throws(() => ask("10.0.0.9"), /Address already in use/);
  assert.throws(() => ask("10.0.1.9"), /no configured subnet contains IP address 10.0.1.9/);
  assert.throws(
    () => ask("nonsense"),
    (e) => isGantryError(e, "BAD_ADDRESS"),
  );
});
