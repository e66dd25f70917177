import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { portElements } from "../../../src/drivers/nft/elements.ts";
import { type PublishedPortsMode, tableName } from "../../../src/drivers/nft/plan.ts";
import { planElements, planRefill } from "../../../src/drivers/nft/table.ts";
import { planTables, planTransaction } from "../../../src/drivers/nft/tables.ts";
import type { AllowedFlow, FirewallNetwork, GuardedCable, PublishedPort } from "../../../src/ports/firewall.ts";

/** Each folder holds `input.json` and `expected.nft`; `UPDATE_GOLDEN=1` writes the latter anew. */
const CASES = path.join(import.meta.dirname, "cases");

interface Input {
  bridge: string;
  mode?: PublishedPortsMode;
  networks: FirewallNetwork[];
  ports: PublishedPort[];
  cables?: GuardedCable[];
}

const textOf = (bridge: string, { mode = "open", networks, ports, cables }: Omit<Input, "bridge">): string =>
  planTransaction(
    planTables({ name: tableName(bridge), mode, networks, ports, ...(cables && { cables }) }),
    [],
    planRefill,
  );

for (const name of fs.readdirSync(CASES)) {
  test(`the rules of "${name}" are as expected`, () => {
    const input = JSON.parse(fs.readFileSync(path.join(CASES, name, "input.json"), "utf8")) as Input;
    const text = textOf(input.bridge, input);
    const file = path.join(CASES, name, "expected.nft");
    if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(file, text);
    assert.equal(text, fs.readFileSync(file, "utf8"));
  });
}

test("tables of different bridges never share a name", () => {
  assert.equal(tableName("gantry0"), "gantry_gantry0");
  assert.equal(new Set(["a-b", "a_b", "a.b", "ab"].map(tableName)).size, 4);
});

const elements = (verb: "add" | "delete", ports: PublishedPort[]): string[] =>
  planElements(verb, { family: "inet", name: "t" }, portElements(ports));

test("nothing but checked names, addresses and numbers reaches the text", () => {
  const network = { bridge: "gantry0", subnets: ["172.30.0.0/16"], internal: false, icc: true, masquerade: true };
  const port = { protocol: "tcp", hostAddress: "0.0.0.0", hostPort: 80, address: "172.30.0.2", port: 80 } as const;
  for (const bridge of ['a"b', "a b", "a;b", "", "x".repeat(16), "-a", "a\n"]) {
    assert.throws(() => tableName(bridge), TypeError, JSON.stringify(bridge));
    assert.throws(
      () => textOf("t", { networks: [{ ...network, bridge }], ports: [] }),
      TypeError,
      JSON.stringify(bridge),
    );
  }
  for (const subnet of ["172.30.0.0/16 accept", "172.30.0.0", "172.30.0.0/33", "0x1/8", "fd00::/129", "fe80::1%a/64"]) {
    assert.throws(() => textOf("t", { networks: [{ ...network, subnets: [subnet] }], ports: [] }), TypeError, subnet);
  }
  const flow = { from: "172.30.0.2", to: "172.30.0.3", protocol: "tcp", port: 80 } as const;
  for (const bad of [{ from: "1::1::1" }, { to: "1.2.3.4 }" }, { protocol: "icmp" }, { port: 0 }]) {
    const allowed = [{ ...flow, ...bad } as AllowedFlow];
    assert.throws(
      () => textOf("t", { networks: [{ ...network, icc: false, allowed }], ports: [] }),
      TypeError,
      JSON.stringify(bad),
    );
  }
  for (const bad of [
    { protocol: "tcp }" },
    { hostAddress: "1.2.3.4 }" },
    { address: "::1" },
    { hostPort: 0 },
    { port: 1.5 },
    { port: 65536 },
  ]) {
    assert.throws(() => elements("add", [{ ...port, ...bad } as PublishedPort]), TypeError, JSON.stringify(bad));
  }
});

test("a change of ports is one command for each map", () => {
  const port = { protocol: "udp", hostPort: 53, address: "172.30.0.2", port: 5353 } as const;
  assert.deepEqual(
    elements("delete", [
      { ...port, hostAddress: "0.0.0.0" },
      { ...port, hostAddress: "192.0.2.1" },
    ]),
    [
      "delete element inet t published { 192.0.2.1 . udp . 53 : 172.30.0.2 . 5353 }",
      "delete element inet t published_any { udp . 53 : 172.30.0.2 . 5353 }",
    ],
  );
  const six = { protocol: "tcp", hostPort: 0, address: "fd00::2", port: 80, hostAddress: "::", routed: true } as const;
  assert.deepEqual(elements("add", [six]), ["add element inet t opened6 { fd00::2 . tcp . 80 }"]);
  assert.deepEqual(elements("add", []), []);
});
