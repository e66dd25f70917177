import assert from "node:assert/strict";
import { it } from "node:test";
import {
  canonicalAddress,
  contains,
  formatRange,
  type IpRange,
  isIpAddress,
  overlap,
  parseAddress,
  parseCidr,
} from "../../../src/base/ip-address.ts";

it("an IP address is one of either kind, and nothing else", () => {
  for (const text of ["1.2.3.4", "255.255.255.255", "::1", "2001:db8::33", "fe80::1%eth0", "::ffff:1.2.3.4"]) {
    assert.equal(isIpAddress(text), true, text);
  }
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    "host",
    ":::",
    "1::2::3",
    "fe80::1%",
    "[::1]",
    "::1/64",
    "a b",
  ]) {
    assert.equal(isIpAddress(text), false, text);
  }
});

it("an address is written in its one form", () => {
  for (const [text, form = text] of [
    ["0.0.0.0"],
    ["255.255.255.255"],
    ["::"],
    ["::1"],
    ["1::"],
    ["FD00:0:0:1::", "fd00:0:0:1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:0:0:3:0:0", "1:0:2::3:0:0"],
    ["1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["0:0:1:0:0:0:0:10", "0:0:1::10"],
    ["::ffff:1.2.3.4"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ]) {
    assert.equal(canonicalAddress(text as string), form);
  }
  for (const text of ["::1%eth0", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8::", "12345::", ":1", "1:", "::1.2.3", "1.2.3.4 "]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

const range = (text: string): IpRange => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed.range;
};

it("a CIDR gives the address and its range", () => {
  assert.equal(formatRange(range("192.168.77.9/20")), "192.168.64.0/20");
  assert.equal(formatRange(range("fd00:0:0:1:2::9/64")), "fd00:0:0:1::/64");
  assert.equal(formatRange(range("::1/0")), "::/0");
  assert.equal(formatRange(range("::1/128")), "::1/128");
  for (const text of ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/a", "fd00::/129", "fd00::/64/64"]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

it("ranges overlap when they share an address, those of different families never", () => {
  assert.equal(overlap(range("10.0.0.0/8"), range("10.200.0.0/16")), true);
  assert.equal(overlap(range("172.16.0.0/16"), range("172.17.0.0/16")), false);
  assert.equal(overlap(range("fd00::/8"), range("fd12::/64")), true);
  assert.equal(overlap(range("0.0.0.0/0"), range("::/0")), false);
  const inside = (text: string, address: string): boolean => {
    const parsed = parseAddress(address);
    return parsed !== undefined && contains(range(text), parsed);
  };
  assert.equal(inside("172.30.0.0/16", "172.30.255.255"), true);
  assert.equal(inside("172.30.0.0/16", "172.31.0.0"), false);
  assert.equal(inside("fd00::/64", "fd00::ffff:ffff:ffff:ffff"), true);
  assert.equal(inside("::/0", "1.2.3.4"), false);
});
