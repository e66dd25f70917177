import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

/** The machine's own programs, in a container. */
const PROGRAMS = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", "busybox"];
const HOST = "192.0.2.1";
const HOST6 = "2001:db8::1";
const NEIGHBOUR = "192.0.2.2";
/** Much less than any link gives: it tells a way that works from one that loses or delays. */
const FEW_MBIT = 20;

/** Programs that many people run, between containers and from another host. */
describe("software as it is", () => {
  const world = new World();
  let host: Host;
  let neighbour: Host;
  let engine: TestEngine;

  before(async () => {
    [host, neighbour] = await world.neighbours({ ipv6: true });
    engine = await TestEngine.start({ netns: host.netns });
    await engine.ok("network", "create", "--ipv6", "net");
  });
  afterEach(() => engine.clear());
  after(async () => {
    await engine.end();
    await world.close();
  });

  const start = (name: string, options: string[], ...command: string[]): Promise<string> =>
    engine.ok("run", "-d", "--name", name, "--network", "net", ...options, ...PROGRAMS, ...command);
  const inside = async (name: string, ...command: string[]): Promise<string> =>
    (await engine.ok("exec", name, ...command)).trim();
  const address = (name: string, field: string): Promise<string> =>
    engine.ok("inspect", "-f", `{{.NetworkSettings.Networks.net.${field}}}`, name);

  test("a redis replica finds its master by name, and again after the master got another address", async () => {
    const server = ["redis-server", "--save", "", "--protected-mode", "no", "--repl-diskless-sync-delay", "0"];
    const master = (): Promise<string> => start("master", ["-p", "6379:6379"], ...server);
    await master();
    await start("replica", [], ...server, "--replicaof", "master", "6379");
    const cli = async (...words: string[]): Promise<string> =>
      (await neighbour.run("redis-cli", "-h", HOST, ...words)).stdout.trim();
    const linked = async (): Promise<boolean> =>
      (await inside("replica", "redis-cli", "info", "replication")).includes("master_link_status:up");
    await until(linked, { what: "the replica to follow", timeout: 20_000 });
    assert.equal(await cli("set", "key", "value"), "OK");
    await until(async () => (await inside("replica", "redis-cli", "get", "key")) === "value", { what: "the value" });

    const before = await address("master", "IPAddress");
    await engine.ok("rm", "-f", "master");
    await start("another", [], "sleep", "600");
    await master();
    await until(async () => (await cli("set", "key", "new")) === "OK", { what: "the new master" });
    assert.notEqual(await address("master", "IPAddress"), before);
    const follows = async (): Promise<boolean> => (await inside("replica", "redis-cli", "get", "key")) === "new";
    await until(follows, { what: "the replica to find it", timeout: 30_000 });
  });

  test("nginx logs the address of a client on another host, and passes on to a container by its name", async () => {
    const upstream = "mkdir /w; hostname > /w/index.html; exec busybox httpd -f -p 8080 -h /w";
    await engine.ok("run", "-d", "--name", "app", "-h", "app", "--network", "net", "busybox", "sh", "-c", upstream);
    const conf =
      "daemon off; user root root; error_log stderr; pid /tmp/pid; events {} http { access_log /dev/stdout; " +
      "server { listen 80; listen [::]:80; location / { proxy_pass http://app:8080; } } }";
    const script = `mkdir -p /var/log/nginx /var/lib/nginx; echo '${conf}' > /etc/nginx.conf; exec nginx -c /etc/nginx.conf`;
    await start("nginx", ["-p", "8000:80"], "sh", "-c", script);
    const page = async (at: string): Promise<string> =>
      (await neighbour.run("busybox", "wget", "-qO-", `http://${at}:8000/`)).stdout.trim();
    await until(async () => (await page(HOST)) === "app", { what: "nginx" });
    assert.equal(await page(`[${HOST6}]`), "app");
    const log = await engine.ok("logs", "nginx");
    for (const client of [NEIGHBOUR, "2001:db8::2"]) assert.match(log, new RegExp(`^${client} - - .*GET /`, "m"));
  });

  test("dig at 127.0.0.11, by UDP and TCP: both families, back, an alias of three, a name of the world outside", async () => {
    const dnsmasq = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root", "--conf-file=/dev/null"];
    const records = ["--address=/far.example/198.51.100.7", "--listen-address", NEIGHBOUR, "--pid-file="];
    neighbour.spawn("/usr/sbin/dnsmasq", ...dnsmasq, ...records);
    const members = ["one", "two", "three"];
    for (const name of members) await start(name, ["--network-alias", "all"], "sleep", "600");
    await start("asker", ["--dns", NEIGHBOUR], "sleep", "600");
    for (const via of ["+notcp", "+tcp"]) {
      const dig = async (...question: string[]): Promise<string[]> =>
        (await inside("asker", "dig", "+short", via, "@127.0.0.11", ...question)).split("\n").filter(Boolean);
      const [v4, v6] = [await address("one", "IPAddress"), await address("one", "GlobalIPv6Address")];
      assert.deepEqual(await dig("one", "A"), [v4]);
      assert.deepEqual(await dig("one", "AAAA"), [v6]);
      for (const back of [v4, v6]) assert.deepEqual(await dig("-x", back), ["one.net."]);
      const all = (await Promise.all(members.map((name) => address(name, "IPAddress")))).toSorted();
      const firsts = new Set<string>();
      for (let round = 0; round < 40 && firsts.size < 3; round++) {
        const answer = await dig("all", "A");
        assert.deepEqual(answer.toSorted(), all);
        firsts.add(answer[0] as string);
      }
      assert.equal(firsts.size, 3, "each comes first");
      await until(async () => (await dig("far.example")).join() === "198.51.100.7", { what: "the outer server" });
      assert.deepEqual(await dig("one", "MX"), []);
    }
  });

  test("iperf3 between containers and through a published port, in both families", async () => {
    await start("server", ["-p", "5201:5201"], "iperf3", "-s");
    await start("client", [], "sleep", "600");
    const [v4, v6] = [await address("server", "IPAddress"), await address("server", "GlobalIPv6Address")];
    const mbit = (text: string): number => {
      const { end } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
      return end.sum_received.bits_per_second / 1e6;
    };
    const measure = ["-J", "-t", "1", "-c"];
    await until(async () => (await engine.docker("exec", "client", "iperf3", "-n", "1", "-c", v4)).code === 0, {
      what: "the server",
    });
    for (const to of [v4, v6]) assert.ok(mbit(await inside("client", "iperf3", ...measure, to)) > FEW_MBIT, to);
    for (const to of [HOST, HOST6]) assert.ok(mbit(neighbour.ok("iperf3", ...measure, to)) > FEW_MBIT, to);
  });
});
