import assert from "node:assert/strict";
import { test } from "node:test";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import { FakeHost, request } from "./fake-host.ts";

const web = request("web").containerId;

async function running(): Promise<{ host: FakeHost; networks: Networks }> {
  const host = new FakeHost();
  const networks = host.engine();
  networks.restore([]);
  await networks.attach(request("web"));
  return { host, networks };
}

test("a shape that can't be made leaves the one before", async () => {
  const { host, networks } = await running();
  networks.shapes.set({ containerId: web }, { loss: 5 });
  const before = JSON.stringify([networks.shapes.of({ containerId: web }), [...host.shaped]]);
  assert.match(before, /loss 5%/);
  for (const effect of ["require", "shape"]) {
    host.failing.add(effect);
    assert.throws(() => networks.shapes.set({ containerId: web }, { delay: 1e6 }), new RegExp(`${effect} failed`));
    host.failing.clear();
    assert.equal(JSON.stringify([networks.shapes.of({ containerId: web }), [...host.shaped]]), before, effect);
  }
});

test("a shape that would never end by itself, and a network that the container is not on, are refused", async () => {
  const { networks } = await running();
  const set = (ms: number) => (): void => networks.shapes.set({ containerId: web }, { loss: 5 }, ms);
  assert.throws(set(1e300), { code: "BAD_SHAPE" });
  assert.throws(() => networks.shapes.of({ containerId: web, network: "host" }), { code: "NOT_CONNECTED" });
  assert.throws(() => networks.shapes.of({ containerId: web, network: "nowhere" }), { code: "NO_SUCH_NETWORK" });
  assert.deepEqual(networks.shapes.of({ containerId: web, network: "bridge" }), {});
});

test("it ends when its time has come, and goes with the container", async () => {
  const { host, networks } = await running();
  networks.shapes.set({ containerId: web }, { loss: 5 }, 1000);
  assert.deepEqual(networks.shapes.of({ containerId: web }), { bridge: { shape: { loss: 5 }, until: 1000 } });
  host.pass(999);
  assert.equal(host.shaped.size, 1);
  host.pass(1);
  assert.deepEqual([networks.shapes.of({ containerId: web }), host.shaped.size], [{}, 0]);
  networks.shapes.set({ containerId: web }, { loss: 5 });
  await networks.detach(web);
  assert.deepEqual([networks.shapes.of({ containerId: web }), host.shaped.size], [{}, 0]);
});

test("the next engine makes it again, with its end, and sweeps what belongs to nobody", async () => {
  const { host, networks } = await running();
  networks.shapes.set({ containerId: web }, { loss: 5 }, 1000);
  const [name] = host.shaped.keys();
  host.shaped.clear();
  host.shaped.set("gvlost", "loss 1%");
  host.engine().restore([web]);
  assert.deepEqual([...host.shaped], [[name, "loss 5%"]]);
  host.pass(1000);
  assert.equal(host.shaped.size, 0);
});

test("leaving a network ends its shape there alone", async () => {
  const { host, networks } = await running();
  networks.create({ ...{ name: "back", driver: "", internal: false, attachable: false }, ...MORE });
  networks.connect("back", web, {});
  networks.shapes.set({ containerId: web }, { loss: 5 });
  assert.equal(host.shaped.size, 2);
  networks.disconnect("back", web);
  assert.deepEqual([Object.keys(networks.shapes.of({ containerId: web })), host.shaped.size], [["bridge"], 1]);
});

const MORE = { ipv4: true, ipv6: false, pools: [], options: {}, labels: {} };
