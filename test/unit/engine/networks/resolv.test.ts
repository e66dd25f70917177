import assert from "node:assert/strict";
import { test } from "node:test";
import { containerResolv, parseResolvConf } from "../../../../src/engine/networks/resolv.ts";

test("resolv.conf is read with comments, several servers, the last search line", () => {
  const text =
    "# made by hand\nnameserver 10.0.0.1\nnameserver 10.0.0.2 ; second\nsearch a.example\nsearch b.example c.example\noptions ndots:2 edns0\n";
  assert.deepEqual(parseResolvConf(text), {
    nameservers: ["10.0.0.1", "10.0.0.2"],
    search: ["b.example", "c.example"],
    options: ["ndots:2", "edns0"],
  });
});

test("servers that a container can't reach are left out; none left gives public ones", () => {
  const host = { nameservers: ["127.0.0.53", "::1", "10.0.0.1"], search: ["x"], options: [] };
  assert.deepEqual(containerResolv(host), { nameservers: ["10.0.0.1"], search: ["x"], options: [] });
  assert.deepEqual(containerResolv({ ...host, nameservers: ["127.0.0.1"] }).nameservers, ["8.8.8.8", "8.8.4.4"]);
});
