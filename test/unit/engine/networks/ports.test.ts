import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError, isGantryError } from "../../../../src/base/errors.ts";
import { planPorts, type PortRequest } from "../../../../src/engine/networks/port-plan.ts";
import { PortPublisher } from "../../../../src/engine/networks/port-publisher.ts";
import type { SandboxRecord } from "../../../../src/engine/networks/record.ts";
import type { PublishedPort } from "../../../../src/ports/firewall.ts";
import type { PortClaim, PortReservations } from "../../../../src/ports/port-reservations.ts";

const asked = (more: Partial<PortRequest>): PortRequest => ({
  exposedPorts: [],
  portBindings: {},
  publishAll: false,
  ...more,
});

test("bindings become wishes; what is only exposed stays so", () => {
  const plan = planPorts(
    asked({
      exposedPorts: ["80/tcp", "443/tcp", "53"],
      portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    }),
    "0.0.0.0",
  );
  assert.deepEqual(plan.wishes, [
    { key: "80/tcp", protocol: "tcp", port: 80, hostAddress: "0.0.0.0", hostPorts: { first: 8080, last: 8080 } },
  ]);
  assert.deepEqual(plan.exposed, ["443/tcp", "53/tcp"]);
});

test("-P publishes what is exposed at ports that the engine picks, after the named ones", () => {
  const plan = planPorts(
    asked({
      exposedPorts: ["80/tcp", "81/udp"],
      portBindings: { "90/tcp": [{ HostPort: "9000-9005" }] },
      publishAll: true,
    }),
    "192.0.2.1",
  );
  assert.deepEqual(
    plan.wishes.map((wish) => [wish.key, wish.hostAddress, wish.hostPorts?.first, wish.hostPorts?.last]),
    [
      ["90/tcp", "192.0.2.1", 9000, 9005],
      ["80/tcp", "192.0.2.1", undefined, undefined],
      ["81/udp", "192.0.2.1", undefined, undefined],
    ],
  );
});

test("one container port may have several host ports", () => {
  const plan = planPorts(
    asked({ portBindings: { "80/tcp": [{ HostPort: "8080" }, { HostIp: "127.0.0.1", HostPort: "" }] } }),
    "0.0.0.0",
  );
  assert.deepEqual(
    plan.wishes.map((wish) => wish.hostAddress),
    ["0.0.0.0", "127.0.0.1"],
  );
});

test("nonsense is refused", () => {
  for (const [key, binding] of [
    ["80/icmp", {}],
    ["0/tcp", {}],
    ["65536/tcp", {}],
    ["x/tcp", {}],
    ["80/tcp", { HostPort: "8080-8070" }],
    ["80/tcp", { HostPort: "1-2-3" }],
    ["80/tcp", { HostPort: "70000" }],
    ["80/tcp", { HostPort: "8080; flush ruleset" }],
    ["80/tcp", { HostIp: "localhost" }],
    ["80/tcp", { HostIp: "::" }],
  ] as const) {
    const request = asked({ portBindings: { [key]: [binding] } });
    assert.throws(
      () => planPorts(request, "0.0.0.0"),
      (e) => isGantryError(e, "BAD_PORT"),
      JSON.stringify([key, binding]),
    );
  }
});

/** A host on which `busy` ports belong to a process. */
function fakeHost(busy: number[]): PortReservations & { held: Set<string> } {
  const held = new Set<string>();
  const key = (claim: PortClaim): string => `${claim.protocol} ${claim.address} ${claim.port}`;
  return {
    held,
    reserve: (claim) => !busy.includes(claim.port) && Boolean(held.add(key(claim))),
    release: (claim) => void held.delete(key(claim)),
    holder: (claim) => (busy.includes(claim.port) ? { pid: 123, command: "nginx" } : undefined),
    ephemeralRange: () => ({ first: 40000, last: 40003 }),
  };
}

const owner = { containerName: "web", endpointId: "ab12" };
const published = (hostPort: number, hostAddress = "0.0.0.0"): PublishedPort => ({
  protocol: "tcp",
  hostAddress,
  hostPort,
  address: "172.30.0.9",
  port: 80,
});
const sandboxWith = (containerName: string, ports: PublishedPort[]): SandboxRecord => ({
  containerId: containerName,
  containerName,
  hostname: containerName,
  ownNamespace: true,
  endpoints: [],
  wishes: [],
  exposed: [],
  ports,
});

function claim(
  host: PortReservations,
  others: SandboxRecord[],
  bindings: NonNullable<PortRequest["portBindings"][string]>,
): PublishedPort[] {
  const publisher = new PortPublisher({ reservations: host, sandboxes: () => others });
  return publisher.claim(
    planPorts(asked({ portBindings: { "80/tcp": bindings } }), "0.0.0.0").wishes,
    "172.30.0.2",
    owner,
  );
}

const failure = (body: () => unknown): GantryError => {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof GantryError);
    return error;
  }
  throw assert.fail("it went well");
};

test("a port of another container is refused in Docker's words, with the holder and a free port", () => {
  const host = fakeHost([8081]);
  const error = failure(() => claim(host, [sandboxWith("db", [published(8080)])], [{ HostPort: "8080" }]));
  assert.equal(error.code, "PORT_TAKEN");
  assert.equal(
    error.message,
    "driver failed programming external connectivity on endpoint web (ab12): Bind for 0.0.0.0:8080 failed: port is already allocated (held by container db; port 8082 is free)",
  );
  assert.equal(error.hint, "try -p 8082:80");
  assert.equal(host.held.size, 0);
});

test("a port of a process is refused with the process as holder", () => {
  const error = failure(() => claim(fakeHost([8080]), [], [{ HostPort: "8080" }]));
  assert.equal(
    error.message,
    "driver failed programming external connectivity on endpoint web (ab12): failed to bind port 0.0.0.0:8080/tcp: listen tcp4 0.0.0.0:8080: bind: address already in use (held by nginx (pid 123); port 8081 is free)",
  );
  assert.equal(error.hint, "try -p 8081:80");
});

test("a failing wish gives back what the others got", () => {
  const host = fakeHost([8081]);
  failure(() => claim(host, [], [{ HostPort: "8080" }, { HostPort: "8081" }]));
  assert.equal(host.held.size, 0);
});

test("a range takes its first free port; picks go round the range", () => {
  const host = fakeHost([9000, 40001]);
  const others = [sandboxWith("db", [published(9001, "127.0.0.1")])];
  assert.deepEqual(
    claim(host, others, [{ HostPort: "9000-9005" }]).map((p) => p.hostPort),
    [9002],
  );
  assert.deepEqual(
    claim(host, [], [{}, {}, {}]).map((p) => p.hostPort),
    [40000, 40002, 40003],
  );
});

test("a wildcard meets every address, two addresses don't meet", () => {
  const others = [sandboxWith("db", [published(8080, "192.0.2.1")])];
  assert.equal(claim(fakeHost([]), others, [{ HostIp: "192.0.2.2", HostPort: "8080" }]).length, 1);
  assert.equal(failure(() => claim(fakeHost([]), others, [{ HostPort: "8080" }])).code, "PORT_TAKEN");
  const own = [{ HostPort: "8080" }, { HostIp: "127.0.0.1", HostPort: "8080" }];
  assert.equal(failure(() => claim(fakeHost([]), [], own)).code, "PORT_TAKEN");
});
