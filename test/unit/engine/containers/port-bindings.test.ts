import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostConfig } from "../../../../src/base/container-config.ts";
import { isGantryError } from "../../../../src/base/errors.ts";
import {
  pickPorts,
  portWords,
  unasked,
  withBindings,
  withoutBindings,
} from "../../../../src/engine/containers/port-bindings.ts";
import type { PortState } from "../../../../src/engine/networks/contract.ts";
import { planPorts } from "../../../../src/engine/networks/port-plan.ts";

/** As a running container has them: what the engine picks begins at 40000. */
function statesOf(host: HostConfig, exposedPorts: string[] = [], address6?: string): PortState[] {
  const { PortBindings = {}, PublishAllPorts = false } = host;
  const { wishes } = planPorts({ exposedPorts, portBindings: PortBindings, publishAll: PublishAllPorts }, "0.0.0.0");
  return wishes.map((wish, index) => {
    const { protocol, hostAddress, port } = wish;
    const address = wish.twin ? address6 : "172.30.0.2";
    const bindings = wishes.slice(0, index + 1).filter(({ twin }) => !twin).length;
    const hostPort = wish.hostPorts?.first ?? 40_000 + bindings - 1;
    return { wish, ...(address && { port: { protocol, hostAddress, hostPort, address, port } }) };
  });
}

const HOST: HostConfig = {
  PortBindings: {
    "80": [{ HostPort: "8080" }, { HostIp: "127.0.0.1", HostPort: "8081" }, { HostPort: "" }],
    "53/udp": [{ HostPort: "5300-5310" }],
  },
};

test("bindings are added beside those that are there, however the port is written", () => {
  assert.deepEqual(withBindings(HOST, { "80/tcp": [{ HostPort: "1" }], "81": [{}] }).PortBindings?.["80"]?.length, 4);
  assert.deepEqual(Object.keys(withBindings(HOST, { "81": [{}] }).PortBindings ?? {}), ["80", "53/udp", "81/tcp"]);
});

test("a port is named by itself, by its host port, by the range it was asked for, and by its host address", () => {
  const states = statesOf(HOST);
  const words = (asked: Parameters<typeof pickPorts>[1]): string => portWords(pickPorts(states, asked));
  const all = "0.0.0.0:8080->80/tcp, 127.0.0.1:8081->80/tcp, 0.0.0.0:40003->80/tcp";
  assert.equal(words({ "80": [] }), all);
  assert.equal(words({ "80/tcp": [{ HostIp: "", HostPort: "" }] }), all);
  assert.equal(words({ "80/tcp": [{ HostPort: "8081" }] }), "127.0.0.1:8081->80/tcp");
  assert.equal(words({ "80/tcp": [{ HostPort: "40003" }] }), "0.0.0.0:40003->80/tcp");
  assert.equal(words({ "53/udp": [{ HostPort: "5300-5310" }] }), "0.0.0.0:5300->53/udp");
  assert.equal(words({ "80/tcp": [{ HostIp: "127.0.0.1" }] }), "127.0.0.1:8081->80/tcp");
  for (const binding of [{ HostPort: "9" }, { HostIp: "127.0.0.1", HostPort: "8080" }]) {
    assert.throws(
      () => pickPorts(states, { "80/tcp": [binding] }),
      (error) => isGantryError(error, "NOT_PUBLISHED"),
    );
  }
});

test("a binding is both of its families", () => {
  const states = statesOf({ PortBindings: { "80/tcp": [{}, { HostPort: "8080" }] } }, [], "fd00::2");
  const words = (asked: Parameters<typeof pickPorts>[1]): string => portWords(pickPorts(states, asked));
  const both = "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp";
  assert.equal(words({ "80": [{ HostPort: "8080" }] }), both);
  assert.equal(words({ "80": [{ HostIp: "::", HostPort: "8080" }] }), both);
  assert.equal(words({ "80": [] }), `${both}, 0.0.0.0:40001->80/tcp, [::]:40001->80/tcp`);
  const gone = pickPorts(states, { "80": [{ HostPort: "40001" }] }).map(({ wish }) => wish);
  const left = withoutBindings({ PortBindings: { "80/tcp": [{}, {}] } }, [], gone);
  assert.deepEqual(left.PortBindings, { "80/tcp": [{}] });
});

test("what led to a port goes from the host config, and nothing else", () => {
  const without = (asked: Parameters<typeof pickPorts>[1]): HostConfig["PortBindings"] => {
    const gone = pickPorts(statesOf(HOST), asked).map(({ wish }) => wish);
    return withoutBindings(HOST, [], gone).PortBindings;
  };
  const [first, second, third] = HOST.PortBindings?.["80"] ?? [];
  assert.deepEqual(without({ "80": [{ HostPort: "8081" }], "53/udp": [] }), { "80/tcp": [first, third] });
  assert.deepEqual(without({ "80": [{ HostPort: "40003" }] })?.["80/tcp"], [first, second]);
  assert.deepEqual(Object.keys(without({ "80": [] }) ?? {}), ["53/udp"]);
});

test("of all that is exposed, the others stay published when one goes", () => {
  const host: HostConfig = { PublishAllPorts: true, PortBindings: { "90/tcp": [{ HostPort: "9000" }] } };
  const exposed = ["80/tcp", "81/tcp", "90/tcp"];
  const gone = pickPorts(statesOf(host, exposed), { "81": [] }).map(({ wish }) => wish);
  assert.deepEqual(withoutBindings(host, exposed, gone), {
    PublishAllPorts: false,
    PortBindings: { "80/tcp": [{}], "90/tcp": [{ HostPort: "9000" }] },
  });
});

test("what the host config does not ask for is found, one for one", () => {
  const states = statesOf({ PortBindings: { "80/tcp": [{}, {}, { HostPort: "8080" }] } });
  const left = unasked(states, { PortBindings: { "80/tcp": [{}] } }, []);
  assert.equal(portWords(left), "0.0.0.0:8080->80/tcp, 0.0.0.0:40002->80/tcp");
  const all = statesOf({ PublishAllPorts: true }, ["80/tcp"]);
  assert.deepEqual(unasked(all, { PublishAllPorts: true }, ["80/tcp"]), []);
});
