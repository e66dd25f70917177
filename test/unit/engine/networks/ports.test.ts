import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError, isGantryError } from "../../../../src/base/errors.ts";
import { planPorts, type PortRequest } from "../../../../src/engine/networks/port-plan.ts";
import { type PortPlaces, PortPublisher } from "../../../../src/engine/networks/port-publisher.ts";
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
  const wish = { key: "80/tcp", protocol: "tcp" as const, port: 80, hostPorts: { first: 8080, last: 8080 } };
  assert.deepEqual(plan.wishes, [
    { ...wish, hostAddress: "0.0.0.0" },
    { ...wish, hostAddress: "::", twin: true },
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
    ["0.0.0.0", "::", "127.0.0.1"],
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
    ["80/tcp", { HostIp: "fe80::1%eth0" }],
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
function fakeHost(busy: number[]): PortReservations & { held: Set<string>; relays: Map<string, string> } {
  const held = new Set<string>();
  const relays = new Map<string, string>();
  const key = (claim: PortClaim): string => `${claim.protocol} ${claim.address} ${claim.port}`;
  return {
    held,
    relays,
    reserve: (claim) => !busy.includes(claim.port) && Boolean(held.add(key(claim))),
    relay: (claim, { address, port }) => void relays.set(key(claim), `${address} ${port}`),
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
  places: PortPlaces = { 4: { address: "172.30.0.2", routed: false } },
): PublishedPort[] {
  const publisher = new PortPublisher({ reservations: host, sandboxes: () => others });
  const { wishes } = planPorts(asked({ portBindings: { "80/tcp": bindings } }), "0.0.0.0");
  return publisher.claim(wishes, places, owner).filter((port) => port !== null);
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

const DUAL: PortPlaces = { 4: { address: "172.30.0.2", routed: false }, 6: { address: "fd00::2", routed: false } };
const places = (ports: PublishedPort[]): string[] =>
  ports.map(({ hostAddress, hostPort, address }) => `${hostAddress} ${hostPort} ${address}`);

test("a container with both families is published in both, at one host port", () => {
  const both = ["0.0.0.0 8080 172.30.0.2", ":: 8080 fd00::2"];
  assert.deepEqual(places(claim(fakeHost([]), [], [{ HostPort: "8080" }], DUAL)), both);
  const busy = fakeHost([40000]);
  assert.deepEqual(places(claim(busy, [], [{}], DUAL)), ["0.0.0.0 40001 172.30.0.2", ":: 40001 fd00::2"]);
  assert.deepEqual([...busy.held].toSorted(), ["tcp 0.0.0.0 40001", "tcp :: 40001"]);
  const six = { 6: DUAL[6] as PortPlaces[6] } as PortPlaces;
  assert.deepEqual(places(claim(fakeHost([]), [], [{ HostPort: "8080" }], six)), [":: 8080 fd00::2"]);
  const named = [
    { HostIp: "::1", HostPort: "8080" },
    { HostIp: "127.0.0.1", HostPort: "8080" },
  ];
  assert.deepEqual(places(claim(fakeHost([]), [], named, DUAL)), ["::1 8080 fd00::2", "127.0.0.1 8080 172.30.0.2"]);
});

test("IPv6 addresses of the host are passed on to a container without one, and [::1] to any", () => {
  const relayed: PortPlaces = { 4: DUAL[4] as PortPlaces[4], 6: { ...DUAL[4], relayed: true } } as PortPlaces;
  const host = fakeHost([]);
  const ports = claim(host, [], [{ HostPort: "8080" }, { HostIp: "fd00::5", HostPort: "8081" }], relayed);
  assert.deepEqual(places(ports), ["0.0.0.0 8080 172.30.0.2", ":: 8080 172.30.0.2", "fd00::5 8081 172.30.0.2"]);
  assert.deepEqual(
    ports.map((port) => port.relayed),
    [undefined, true, true],
  );
  assert.deepEqual(
    [...host.relays],
    [
      ["tcp :: 8080", "172.30.0.2 80"],
      ["tcp fd00::5 8081", "172.30.0.2 80"],
    ],
  );
  const both = fakeHost([]);
  claim(both, [], [{ HostPort: "8080" }, { HostIp: "fd00::5", HostPort: "8081" }], DUAL);
  assert.deepEqual([...both.relays], [["tcp :: 8080", "fd00::2 80"]]);
});

test("a port of one family does not meet the same of the other; a range is left where either is taken", () => {
  const others = [sandboxWith("db", [{ ...published(8080, "::"), address: "fd00::9" }])];
  assert.equal(claim(fakeHost([]), others, [{ HostIp: "0.0.0.0", HostPort: "8080" }], DUAL).length, 1);
  const error = failure(() => claim(fakeHost([]), others, [{ HostPort: "8080" }], DUAL));
  assert.match(error.message, /Bind for \[::\]:8080 failed: port is already allocated \(held by container db;/);
  const host = fakeHost([]);
  assert.deepEqual(places(claim(host, others, [{ HostPort: "8080-8081" }], DUAL)).length, 2);
  assert.deepEqual([...host.held].toSorted(), ["tcp 0.0.0.0 8081", "tcp :: 8081"]);
});

test("on a routed network there is no host port, and what is held stays as ways come and go", () => {
  const routed = claim(fakeHost([]), [], [{ HostPort: "8080" }], { ...DUAL, 6: { address: "fd00::2", routed: true } });
  assert.deepEqual(places(routed), ["0.0.0.0 8080 172.30.0.2", ":: 0 fd00::2"]);
  const host = fakeHost([]);
  const publisher = new PortPublisher({ reservations: host, sandboxes: () => [] });
  const { wishes } = planPorts(asked({ portBindings: { "80/tcp": [{}] } }), "0.0.0.0");
  const before = publisher.claim(wishes, { 4: DUAL[4] as NonNullable<PortPlaces[4]> }, owner);
  assert.deepEqual([before[0]?.hostPort, before[1]], [40000, null]);
  const after = publisher.claim(wishes, DUAL, owner, before);
  assert.deepEqual(places(after.filter((port) => port !== null)), ["0.0.0.0 40000 172.30.0.2", ":: 40000 fd00::2"]);
});
