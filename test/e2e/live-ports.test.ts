import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, afterEach, before, it } from "node:test";
import { Gantry } from "../../src/sdk/index.ts";
import { type Ran, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { answers, freePorts, page, WEB } from "../support/web.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());
afterEach(() => engine.clear());

const web = (name: string, ...flags: string[]): Promise<string> =>
  engine.ok("run", "-d", "--name", name, "--hostname", name, "--restart", "always", ...flags, ...WEB);

async function port(...args: string[]): Promise<string> {
  const ran = await engine.gantry("port", ...args);
  assert.equal(ran.code, 0, `port ${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout.trimEnd();
}

async function refused(words: RegExp, ...args: string[]): Promise<Ran> {
  const ran = await engine.gantry("port", ...args);
  assert.deepEqual([ran.code, ran.stdout], [1, ""], ran.stderr);
  assert.match(ran.stderr, words);
  return ran;
}

const inspected = async (format: string, name: string): Promise<string> => engine.ok("inspect", "-f", format, name);
const bindings = async (name: string): Promise<unknown> =>
  JSON.parse(await inspected("{{json .HostConfig.PortBindings}}", name));
const published = async (name: string): Promise<unknown> =>
  JSON.parse(await inspected("{{json .NetworkSettings.Ports}}", name));

/** Nobody answers, and the port is anybody's. */
async function isFree(number: number): Promise<boolean> {
  if ((await page(number)) !== undefined) return false;
  const server = net.createServer().listen(number, "0.0.0.0");
  const [event] = await Promise.race([once(server, "listening").then(() => ["free"]), once(server, "error")]);
  server.close();
  return event === "free";
}

/** As `port` prints what is published for both families. */
const everywhere = (...numbers: number[]): string =>
  ["0.0.0.0", "[::]"].flatMap((host) => numbers.map((number) => `80/tcp -> ${host}:${number}`)).join("\n");

it("publishes and gives up a port of a container that runs; inspect, ps, port and events show it", async () => {
  const first = await freePorts(3);
  await web("web", "-p", `${first}:80`);
  await answers(first, "web");
  const pid = await inspected("{{.State.Pid}}", "web");
  const since = String(Date.now() / 1000);
  assert.equal(await port("add", "web", `${first + 1}:80`), everywhere(first + 1));
  await answers(first + 1, "web");
  assert.equal(await engine.ok("port", "web"), everywhere(first, first + 1));
  assert.match(await engine.ok("ps", "--format", "{{.Ports}}"), new RegExp(`0\\.0\\.0\\.0:${first + 1}->80/tcp`));
  const both = [first, first + 1].map((number) => ({ HostIp: "", HostPort: String(number) }));
  assert.deepEqual(await bindings("web"), { "80/tcp": both });
  assert.equal(await port("rm", "web", `${first}:80`), everywhere(first));
  assert.equal(await isFree(first), true);
  await answers(first + 1, "web");
  assert.deepEqual(await bindings("web"), { "80/tcp": both.slice(1) });
  assert.equal(await port("rm", "web", "80/tcp"), everywhere(first + 1));
  assert.equal(await isFree(first + 1), true);
  assert.deepEqual([await bindings("web"), await published("web")], [{}, { "80/tcp": null }]);
  assert.equal(await inspected("{{.State.Pid}}", "web"), pid);
  const words = (number: number): string => `0.0.0.0:${number}->80/tcp, [::]:${number}->80/tcp`;
  const told = await engine.ok(
    ...["events", "--since", since, "--until", String(Date.now() / 1000)],
    ...["--format", "{{.Action}} {{.Actor.Attributes.ports}}", "--filter", "container=web"],
  );
  assert.deepEqual(
    told.split("\n").filter((line) => line.includes("publish")),
    [`publish ${words(first + 1)}`, `unpublish ${words(first)}`, `unpublish ${words(first + 1)}`],
  );
});

it("keeps what was added over restarts of the container and of the engine, and over kill -9", async () => {
  const first = await freePorts(2);
  await web("web", "-p", `${first}:80`);
  await port("add", "web", `${first + 1}:80`, "80");
  const ephemeral = (await engine.ok("port", "web")).split("\n").map((line) => Number(line.split(":")[1]));
  await engine.ok("restart", "-t", "0", "web");
  await answers(first + 1, "web");
  const before = await published("web");
  await engine.crash();
  await answers(first + 1, "web");
  await engine.up();
  assert.deepEqual(await published("web"), before);
  await answers(first + 1, "web");
  await port("rm", "web", `${first + 1}:80`);
  await engine.crash();
  assert.equal(await page(first + 1), undefined);
  await engine.up();
  assert.equal(await isFree(first + 1), true);
  await engine.down();
  await engine.up();
  await engine.ok("stop", "-t", "0", "web");
  await engine.ok("start", "web");
  await answers(first, "web");
  assert.equal(await page(first + 1), undefined);
  assert.equal(ephemeral.length, 3 * 2);
});

it("changes a container that is down; it takes effect at its start", async () => {
  const first = await freePorts(2);
  await engine.ok("create", "--name", "later", "--hostname", "later", "-p", `${first}:80`, ...WEB);
  const added = await engine.gantry("port", "add", "later", `127.0.0.1:${first + 1}:80`);
  assert.deepEqual([added.code, added.stdout], [0, `80/tcp -> 127.0.0.1:${first + 1}\n`]);
  assert.match(added.stderr, /later does not run: its ports are published when it starts/);
  await refused(/port is already allocated \(held by the container itself\)/, "add", "later", `${first}:81`);
  await port("rm", "later", `${first}:80`);
  await engine.ok("start", "later");
  await answers(first + 1, "later");
  assert.equal(await page(first), undefined);
});

it("refuses a taken port as a start does, all or nothing", async () => {
  const first = await freePorts(4);
  await web("holder", "-p", `${first}:80`);
  await web("web");
  const taken = await refused(
    new RegExp(`0\\.0\\.0\\.0:${first} failed: port is already allocated \\(held by container holder; port`),
    ...["add", "web", `${first + 1}:80`, `${first}:80`],
  );
  assert.match(taken.stderr, new RegExp(`hint: try -p ${first + 2}:80`));
  assert.equal(await isFree(first + 1), true);
  const server = net.createServer().listen(first + 2, "0.0.0.0");
  await once(server, "listening");
  await refused(/bind: address already in use \(held by .* \(pid \d+\)/, "add", "web", `${first + 2}:80`);
  server.close();
  await refused(/held by container web/, "add", "web", `${first + 1}:80`, `${first + 1}:81`);
  assert.deepEqual([await bindings("web"), await published("web")], [{}, {}]);
  await port("add", "web", `${first + 1}:80`);
  await refused(/port 81\/tcp is not published/, "rm", "web", `${first + 1}:80`, "81");
  await refused(new RegExp(`port 80/tcp is not published at ${first}`), "rm", "web", `${first}:80`);
  await refused(/Invalid|invalid proto/i, "add", "web", "80/icmp");
  await answers(first + 1, "web");
});

it("refuses a container without ports of its own, and says which one has them", async () => {
  await web("web");
  await engine.ok("run", "-d", "--name", "guest", "--network", "container:web", "busybox", "sleep", "1000");
  await engine.ok("run", "-d", "--name", "hosted", "--network", "host", "busybox", "sleep", "1000");
  await engine.ok("create", "--name", "lonely", "--network", "none", "busybox");
  await refused(/it shares the network of container (web|\w{64})/, "add", "guest", "8080:80");
  await refused(/its network is the host's/, "add", "hosted", "8080:80");
  await refused(/it has no network/, "add", "lonely", "8080:80");
  await refused(/No such container: nosuch/, "add", "nosuch", "8080:80");
  for (const name of ["guest", "hosted", "lonely"]) assert.deepEqual(await bindings(name), {});
});

it("gives up one of the ports that -P published, and keeps the others", async () => {
  await web("web", "--expose", "80", "--expose", "81", "-P");
  const before = Object.keys((await published("web")) as object);
  assert.deepEqual(before, ["80/tcp", "81/tcp"]);
  await port("rm", "web", "81");
  await engine.ok("restart", "-t", "0", "web");
  const [at] = ((await published("web")) as Record<string, { HostPort: string }[]>)["80/tcp"] ?? [];
  await answers(Number(at?.HostPort), "web");
  assert.equal(((await published("web")) as Record<string, unknown>)["81/tcp"], null);
});

it("lets a container use its own new port, and one that waits for a network", async () => {
  const first = await freePorts(2);
  await web("web");
  await port("add", "web", `${first}:80`);
  assert.equal(await engine.ok("exec", "web", "wget", "-qO-", `http://${engine.subnet}.1:${first}/`), "web");
  await engine.ok("network", "create", "--internal", "inner");
  await web("hidden", "--network", "inner");
  await port("add", "hidden", `${first + 1}:80`);
  assert.equal(await page(first + 1), undefined);
  await engine.ok("network", "connect", "bridge", "hidden");
  await answers(first + 1, "hidden");
  await engine.clear();
  await engine.ok("network", "rm", "inner");
});

it("stays whole when many change at once, and while the container restarts", async () => {
  const first = await freePorts(8);
  await web("web");
  const numbers = Array.from({ length: 8 }, (_, index) => first + index);
  const restart = engine.docker("restart", "-t", "0", "web");
  const added = await Promise.all(numbers.map((number) => engine.gantry("port", "add", "web", `${number}:80`)));
  assert.deepEqual(
    added.map(({ code }) => code),
    numbers.map(() => 0),
  );
  assert.equal((await restart).code, 0);
  for (const number of numbers) await answers(number, "web");
  const twice = await Promise.all(["a", "b"].map(() => engine.gantry("port", "rm", "web", `${first}:80`)));
  assert.deepEqual(twice.map(({ code }) => code).toSorted(), [0, 1]);
  await engine.ok("rm", "-f", "web");
  for (const number of numbers) assert.equal(await isFree(number), true);
});

it("is undone or done when the engine is killed in the midst of it", async () => {
  const first = await freePorts(1);
  await web("web");
  for (const delay of [0, 1, 2, 3, 4, 6, 8]) {
    const adding = engine.get("/gantry/containers/web/ports", "POST", {
      PortBindings: { "80/tcp": [{ HostPort: String(first) }] },
    });
    adding.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, delay));
    await engine.crash();
    await engine.up();
    const is = Object.keys((await bindings("web")) as object).length > 0;
    assert.equal((await page(first)) !== undefined, is, `after ${delay} ms`);
    assert.equal(Object.keys((await published("web")) as object).length > 0, is);
    if (is) await port("rm", "web", "80");
  }
});

it("answers to containers that have the subcommands' names", async () => {
  const first = await freePorts(1);
  await web("add", "-p", `${first}:80`);
  assert.equal(await port("--", "add"), everywhere(first));
  assert.equal(await port("rm", "add", "80"), everywhere(first));
  assert.match((await engine.gantry("port", "add", "web")).stderr, /requires at least 2 arguments/);
});

it("is there in the SDK", async () => {
  await using gantry = new Gantry({ host: `unix://${engine.socket}` });
  const first = await freePorts(1);
  const id = await web("web");
  const container = await gantry.containers.get(id);
  assert.deepEqual(await container.ports.add([`${first}:80`]), {
    "80/tcp": ["0.0.0.0", "::"].map((HostIp) => ({ HostIp, HostPort: String(first) })),
  });
  const { "81/tcp": picked } = await container.ports.add([81]);
  assert.equal(picked?.[0]?.HostIp, "127.0.0.1");
  assert.deepEqual(Object.keys(await container.ports.list()), ["80/tcp", "81/tcp"]);
  await container.waitForHttp(80);
  await container.ports.remove([80, "81/tcp"]);
  await until(async () => (await page(first)) === undefined, { what: "the port to be given up" });
  assert.deepEqual(await container.ports.list(), {});
  await assert.rejects(container.ports.remove([80]), { code: "NOT_PUBLISHED" });
});
