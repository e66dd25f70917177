import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import { LivePorts } from "../../../../src/engine/containers/live-ports.ts";
import type { ContainerRecord } from "../../../../src/engine/containers/record.ts";
import { type ContainerEntry, ContainerRegistry } from "../../../../src/engine/containers/registry.ts";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import type { StateChange } from "../../../../src/ports/state-store.ts";
import { MemoryStateStore } from "../../../support/memory-state.ts";
import { FakeHost, request } from "../networks/fake-host.ts";
import { record } from "./fakes.ts";

/** An index whose commits can be refused, from a certain one on or once. */
class FullDisk extends MemoryStateStore {
  /** How many commits are still taken; the next one is refused. */
  room = Infinity;

  override commit(changes: StateChange[]): void {
    if (this.room-- === 0) throw new Error("no space left");
    super.commit(changes);
  }
}

let host: FakeHost;
let networks: Networks;
let state: FullDisk;
let entry: ContainerEntry;
let ports: LivePorts;
let events: string[];

beforeEach(async () => {
  host = new FakeHost();
  networks = host.engine();
  networks.restore([]);
  state = new FullDisk();
  events = [];
  const registry = new ContainerRegistry(state);
  const wanted = request("web", { portBindings: { "80/tcp": [{ HostPort: "8080" }] } });
  const attachment = await networks.attach(wanted);
  const hostConfig = { NetworkMode: "bridge", PortBindings: { ...wanted.portBindings } };
  entry = registry.add(record({ id: wanted.containerId, hostConfig, attachment }, { status: "running" }));
  ports = new LivePorts({ registry, networking: networks, publish: (_entry, action) => void events.push(action) });
});

const stored = (): ContainerRecord => state.get<ContainerRecord>("containers", entry.id) as ContainerRecord;
const hostPorts = (): (string | undefined)[] =>
  (stored().hostConfig.PortBindings?.["80/tcp"] ?? []).map(({ HostPort }) => HostPort);
const published = (): number[] => [...host.published.values()].map(({ hostPort }) => hostPort).toSorted();
const binding = (HostPort: string): Record<string, { HostPort: string }[]> => ({ "80/tcp": [{ HostPort }] });

/** Record, network and inspect say the same. */
function assertPorts(...numbers: number[]): void {
  assert.deepEqual(hostPorts().map(Number), numbers);
  assert.deepEqual([...new Set(published())], numbers);
  const shown = stored().attachment?.ports["80/tcp"] ?? [];
  assert.deepEqual([...new Set(shown.map(({ HostPort }) => Number(HostPort)))], numbers);
  assert.equal(stored().state.publishing, undefined);
}

test("a port is added and given up", async () => {
  await ports.add(entry, binding("8081"));
  assertPorts(8080, 8081);
  await ports.remove(entry, binding("8080"));
  assertPorts(8081);
  assert.deepEqual(events, ["publish", "unpublish"]);
});

test("what can't be stored is not published, and what can't be taken off the record stays", async () => {
  for (const room of [0, 1]) {
    state.room = room;
    await assert.rejects(ports.add(entry, binding("8081")), /no space left/);
    state.room = Infinity;
    assert.deepEqual(published(), [8080], `room for ${room}`);
    assert.deepEqual(hostPorts(), ["8080"]);
  }
  state.room = 0;
  await assert.rejects(ports.remove(entry, binding("8080")), /no space left/);
  state.room = Infinity;
  assert.deepEqual(published(), [8080]);
  assert.deepEqual([events, entry.record.state.publishing], [[], undefined]);
});

test("the next engine takes away what was published and not on record", () => {
  entry.record.state.publishing = true;
  networks.ports.add(entry.id, binding("8081"));
  assert.deepEqual(published(), [8080, 8081]);
  ports.resume(entry);
  assertPorts(8080);
});

test("the next engine takes away what was off the record and still published", () => {
  entry.record.state.publishing = true;
  entry.record.hostConfig = { ...entry.record.hostConfig, PortBindings: {} };
  ports.resume(entry);
  assertPorts();
});

test("a container that is being removed is left alone", async () => {
  entry.record.state.status = "removing";
  for (const change of [ports.add(entry, binding("8081")), ports.remove(entry, binding("8080"))]) {
    await assert.rejects(change, (error) => isGantryError(error, "REMOVING"));
  }
});
