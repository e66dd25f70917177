import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { beforeEach, test } from "node:test";
import { GantryError } from "../../../../src/base/errors.ts";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import { Call } from "../../../../src/server/call.ts";
import { networkRoutes, type SavedEndpoint } from "../../../../src/server/routes/networks.ts";
import { FakeHost, request } from "../../engine/networks/fake-host.ts";

const clock = { now: () => Date.parse("2026-06-01T00:00:00Z"), stamp: () => "", after: () => () => {} };

let networks: Networks;
/** Containers' saved networks by container id. */
let saved: Map<string, Map<string, SavedEndpoint>>;
let running: Set<string>;

beforeEach(() => {
  networks = new FakeHost().engine();
  networks.restore([]);
  saved = new Map();
  running = new Set();
});

/** Sends a request to the route that a router would pick; gives status and body. */
async function call(method: string, path: string, body?: object): Promise<{ status: number; body: any }> {
  const url = new URL(path, "http://gantry");
  const routes = networkRoutes({
    networks,
    clock,
    resolveContainer: (reference) => {
      const { containerId } = request("web");
      if (reference !== "web" && reference !== containerId)
        throw new GantryError("notFound", "NO_SUCH_CONTAINER", `No such container: ${reference}`);
      return { id: containerId, running: running.has(containerId) };
    },
    saveEndpoint: (id, name, endpoint) => {
      const mine = saved.get(id) ?? new Map<string, SavedEndpoint>();
      saved.set(id, mine);
      if (endpoint) mine.set(name, endpoint);
      else mine.delete(name);
    },
    savedEndpoints: (id) => [...(saved.get(id)?.keys() ?? [])],
    whileSettled: (_id, work) => work(),
  });
  const parts = url.pathname.split("/");
  const fits = (pattern: string): boolean =>
    pattern.split("/").length === parts.length &&
    pattern.split("/").every((part, index) => part.startsWith(":") || part === parts[index]);
  const route = routes
    .filter((candidate) => candidate.method === method && fits(candidate.path))
    .toSorted((a, b) => a.path.split(":").length - b.path.split(":").length)[0];
  assert.ok(route, `${method} ${path}`);
  const index = route.path.split("/").indexOf(":id");
  let status = 0;
  let text = "";
  const response = {
    writeHead: (code: number) => void (status = code),
    end: (bytes?: Buffer) => void (text = bytes?.toString() ?? ""),
  };
  const source = Readable.from(body === undefined ? [] : [Buffer.from(JSON.stringify(body))]);
  await route.handler(
    new Call({
      params: index < 0 ? {} : { id: parts[index] ?? "" },
      query: url.searchParams,
      version: [1, 51],
      request: Object.assign(source, { headers: { "content-type": "application/json" } }) as unknown as IncomingMessage,
      response: response as unknown as ServerResponse,
      signal: new AbortController().signal,
    }),
  );
  return { status, body: text === "" ? undefined : JSON.parse(text) };
}

const filters = (value: object): string => `filters=${encodeURIComponent(JSON.stringify(value))}`;
const names = (list: { Name: string }[]): string[] => list.map((network) => network.Name).toSorted();

test("a network is created with what the CLI sends, inspected, listed and removed", async () => {
  const made = await call("POST", "/networks/create", {
    Name: "back",
    Driver: "bridge",
    IPAM: { Driver: "default", Options: {}, Config: [{ Subnet: "10.5.0.0/16", Gateway: "10.5.0.9" }] },
    Internal: true,
    Labels: { tier: "data" },
  });
  assert.equal(made.status, 201);
  assert.equal(made.body.Warning, "");
  const seen = (await call("GET", `/networks/${made.body.Id}`)).body;
  assert.deepEqual(
    [seen.Name, seen.Driver, seen.Scope, seen.Internal, seen.Labels, seen.IPAM.Config],
    ["back", "bridge", "local", true, { tier: "data" }, [{ Subnet: "10.5.0.0/16", Gateway: "10.5.0.9" }]],
  );
  assert.deepEqual(names((await call("GET", "/networks")).body), ["back", "bridge", "host", "none"]);
  assert.equal((await call("DELETE", "/networks/back")).status, 204);
  await assert.rejects(call("GET", "/networks/back"), /network back not found/);
});

test("lists are filtered", async () => {
  await call("POST", "/networks/create", { Name: "one", Labels: { a: "1" } });
  await call("POST", "/networks/create", { Name: "two", Labels: { a: "2" } });
  const listed = async (value: object): Promise<string[]> =>
    names((await call("GET", `/networks?${filters(value)}`)).body);
  assert.deepEqual(await listed({ type: ["custom"] }), ["one", "two"]);
  assert.deepEqual(await listed({ type: { builtin: true } }), ["bridge", "host", "none"]);
  assert.deepEqual(await listed({ label: ["a"] }), ["one", "two"]);
  assert.deepEqual(await listed({ label: ["a=2"] }), ["two"]);
  assert.deepEqual(await listed({ name: ["o"], driver: ["bridge"] }), ["one", "two"]);
  assert.deepEqual(await listed({ driver: ["null", "host"] }), ["host", "none"]);
  assert.deepEqual(await listed({ dangling: ["true"] }), ["one", "two"]);
  await assert.rejects(listed({ color: ["red"] }), /invalid filter 'color'/);
  await assert.rejects(listed({ type: ["odd"] }), /invalid filter: 'type'='odd'/);
});

test("prune takes unused networks by label and age", async () => {
  await call("POST", "/networks/create", { Name: "one", Labels: { keep: "" } });
  await call("POST", "/networks/create", { Name: "two" });
  assert.deepEqual((await call("POST", `/networks/prune?${filters({ until: ["2025-01-01"] })}`)).body, {
    NetworksDeleted: null,
  });
  assert.deepEqual((await call("POST", `/networks/prune?${filters({ "label!": ["keep"] })}`)).body, {
    NetworksDeleted: ["two"],
  });
  assert.deepEqual((await call("POST", "/networks/prune")).body, { NetworksDeleted: ["one"] });
});

test("a running container is connected at once, a stopped one at its next start", async () => {
  const { containerId } = request("web");
  await call("POST", "/networks/create", { Name: "back" });
  await call("POST", "/networks/back/connect", { Container: "web", EndpointConfig: { Aliases: ["db"] } });
  assert.deepEqual(saved.get(containerId)?.get("back"), { asked: { Aliases: ["db"] } });
  await assert.rejects(call("POST", "/networks/back/connect", { Container: "web" }), /already exists in network back/);
  await call("POST", "/networks/back/disconnect", { Container: "web" });
  await assert.rejects(
    call("POST", "/networks/back/disconnect", { Container: "web" }),
    /is not connected to network back/,
  );
  await networks.attach(request("web"));
  running.add(containerId);
  const answer = await call("POST", "/networks/back/connect", { Container: "web", EndpointConfig: {} });
  assert.equal(answer.status, 200);
  assert.equal(saved.get(containerId)?.get("back")?.actual?.IPAddress, "172.18.0.2");
  await call("POST", "/networks/back/disconnect", { Container: "web" });
  assert.deepEqual(Object.keys(networks.current(containerId)?.networks ?? {}), ["bridge"]);
  await assert.rejects(call("POST", "/networks/back/connect", { Container: "nobody" }), /No such container: nobody/);
});

test("what is not supported says so", async () => {
  await assert.rejects(call("POST", "/networks/create", { Name: "x", ConfigOnly: true }), /not supported/);
  await assert.rejects(call("POST", "/networks/create", { Name: "x", IPAM: { Driver: "dhcp" } }), /IPAM driver: dhcp/);
  await assert.rejects(call("POST", "/networks/create", {}), /invalid network name/);
});
