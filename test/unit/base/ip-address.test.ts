import assert from "node:assert/strict";
import { it } from "node:test";
import { isIpAddress } from "../../../src/base/ip-address.ts";

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
