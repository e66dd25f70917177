import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readEndpointOptions } from "../../../../src/engine/networks/endpoint-options.ts";
import { waysOut } from "../../../../src/engine/networks/endpoint-plan.ts";
import type { EndpointRecord, NetworkRecord } from "../../../../src/engine/networks/record.ts";

const SETTINGS = "com.docker.network.endpoint.sysctls";
const NAME = "com.docker.network.endpoint.ifname";

describe("what a user says of one of a container's links", () => {
  it("is its name, further addresses and settings", () => {
    const options = readEndpointOptions({
      IPAMConfig: { LinkLocalIPs: ["169.254.1.1", "fe80::9"] },
      DriverOpts: {
        [NAME]: "lan0",
        [SETTINGS]: "net.ipv4.conf.IFNAME.forwarding=0,net.ipv4.neigh.IFNAME.gc_stale_time=9",
      },
    });
    assert.equal(options.name, "lan0");
    assert.deepEqual(options.linkLocal, ["169.254.1.1", "fe80::9"]);
    assert.deepEqual(options.settings("lan0"), {
      "ipv4/conf/lan0/forwarding": "0",
      "ipv4/neigh/lan0/gc_stale_time": "9",
    });
  });

  it("is refused where it leads out of the link", () => {
    for (const setting of [
      "net.ipv4.ip_forward=1",
      "net.ipv4.conf.all.forwarding=1",
      "net.ipv4.conf.IFNAME.a/../b=1",
      "x",
    ]) {
      assert.throws(() => readEndpointOptions({ DriverOpts: { [SETTINGS]: setting } }), { code: "BAD_ENDPOINT" });
    }
    for (const name of ["lo", "all", "..", "a/b", "a b", 'a"b', "ä", "", "x".repeat(16)]) {
      assert.throws(() => readEndpointOptions({ DriverOpts: { [NAME]: name } }), { code: "BAD_ENDPOINT" });
    }
    assert.throws(() => readEndpointOptions({ IPAMConfig: { LinkLocalIPs: ["fe80::x"] } }), { code: "BAD_ENDPOINT" });
  });
});

const endpoint = (networkId: string, GwPriority?: number, address6?: string): EndpointRecord => ({
  networkId,
  endpointId: networkId,
  asked: { ...(GwPriority === undefined ? {} : { GwPriority }) },
  cable: { hostName: "h", name: "eth0", address: "10.0.0.2", ...(address6 && { address6 }), mac: "" },
});
const network = (id: string): NetworkRecord =>
  ({
    name: id,
    internal: id === "inner",
    subnets: [
      { subnet: "10.0.0.0/24", gateway: "10.0.0.1" },
      { subnet: "fd00::/64", gateway: "fd00::1" },
    ],
  }) as NetworkRecord;

it("the way out leads through the network of the highest priority, of equal ones through the first by name", () => {
  const out = (...endpoints: EndpointRecord[]): string | undefined =>
    waysOut(endpoints, network)[4]?.endpoint.networkId;
  assert.equal(out(endpoint("b"), endpoint("a")), "a");
  assert.equal(out(endpoint("b", 1), endpoint("a")), "b");
  assert.equal(out(endpoint("b"), endpoint("a", -1)), "b");
  assert.equal(out(endpoint("inner", 9), endpoint("a")), "a");
});

it("each family has a way out of its own", () => {
  const ways = waysOut([endpoint("a", 1), endpoint("b", 0, "fd00::2")], network);
  assert.deepEqual([ways[4]?.endpoint.networkId, ways[4]?.gateway], ["a", "10.0.0.1"]);
  assert.deepEqual([ways[6]?.endpoint.networkId, ways[6]?.gateway, ways[6]?.address], ["b", "fd00::1", "fd00::2"]);
  assert.equal(waysOut([endpoint("inner", 0, "fd00::2")], network)[6], undefined);
});
