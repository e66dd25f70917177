import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { isWholeSctp, sctpInit } from "../support/sctp.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";
const ALSO_HOST = "192.0.2.100";
const NEIGHBOUR = "192.0.2.2";
const FAR = "198.51.100.2";
/** Programs of this machine in a container. */
const PROGRAMS = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", "busybox"];
/** Tells everybody who asks on these ports, by TCP and UDP, the container's name and where the question came from. */
const TELLER = `
  use IO::Socket::INET;
  chomp(my $name = \`hostname\`);
  for my $port (@ARGV) {
    if (!fork) {
      my $udp = IO::Socket::INET->new(LocalPort => $port, Proto => "udp") or die;
      while (defined $udp->recv(my $text, 1500)) { $udp->send("$name " . $udp->peerhost) }
    }
    if (!fork) {
      my $tcp = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die;
      while (my $one = $tcp->accept) { print $one "$name " . $one->peerhost; close $one }
    }
  }
  wait; wait`;

/**
 * An engine's host with two addresses on its wire, a neighbour there, and a host behind the neighbour's router:
 * what the packets really do.
 */
describe("published ports", () => {
  const world = new World();
  let host: Host;
  let neighbour: Host;
  let far: Host;
  let engine: TestEngine;

  before(async () => {
    host = await world.host();
    neighbour = await world.host();
    const router = await world.host();
    far = await world.host();
    await world.plug(host, "eth0", "lan", `${HOST}/24`, `${ALSO_HOST}/24`);
    await world.plug(neighbour, "eth0", "lan", `${NEIGHBOUR}/24`);
    await world.plug(router, "eth0", "lan", "192.0.2.254/24");
    await world.plug(router, "eth1", "behind", "198.51.100.1/24");
    await world.plug(far, "eth0", "behind", `${FAR}/24`);
    router.ok("sysctl", "-qw", "net.ipv4.ip_forward=1");
    far.ok("ip", "route", "add", "default", "via", "198.51.100.1");
    for (const one of [host, neighbour]) one.ok("ip", "route", "add", "default", "via", "192.0.2.254");
    engine = await TestEngine.start({ netns: host.netns });
  });
  after(async () => {
    await engine.end();
    await world.close();
  });
  afterEach(() => engine.clear());

  /** A container that tells who asks, on the ports that `inside` names. */
  async function teller(name: string, flags: string[], inside: (number | string)[]): Promise<void> {
    const ports = inside.map(String);
    await engine.ok(
      "run",
      "-d",
      "--name",
      name,
      "--hostname",
      name,
      ...flags,
      ...PROGRAMS,
      "perl",
      "-e",
      TELLER,
      ...ports,
    );
    const address = await addressOf(name);
    for (const port of ports)
      await until(async () => (await host.ask(address, Number(port))) !== undefined, { what: name });
  }
  const addressOf = (name: string): Promise<string> =>
    engine.ok("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name);
  const gateway = (): string => `${engine.subnet}.1`;
  /** Each once: both families have the same. */
  const portsOf = async (name: string): Promise<number[]> => [
    ...new Set((await engine.ok("port", name)).split("\n").map((line) => Number(line.split(":").at(-1)))),
  ];

  for (const protocol of ["tcp", "udp"] as const) {
    const ask = (from: Host, address: string, port: number): Promise<string | undefined> =>
      from.ask(address, port, { protocol });

    test(`${protocol}: the source's address is kept, near or far; the host itself reaches it at all of its addresses`, async () => {
      await teller("web", ["-p", `8080:80/${protocol}`], [80]);
      assert.equal(await ask(neighbour, HOST, 8080), `web ${NEIGHBOUR}`);
      assert.equal(await ask(neighbour, ALSO_HOST, 8080), `web ${NEIGHBOUR}`);
      assert.equal(await ask(far, HOST, 8080), `web ${FAR}`);
      assert.equal(await ask(host, HOST, 8080), `web ${HOST}`);
      assert.equal(await ask(host, gateway(), 8080), `web ${gateway()}`);
      // 127.0.0.1 means nothing inside the container
      assert.equal(await ask(host, "127.0.0.1", 8080), `web ${gateway()}`);
      assert.equal(await ask(host, "127.9.9.9", 8080), `web ${gateway()}`);
    });

    test(`${protocol}: containers reach it at the host's addresses: itself, its neighbours, and those of other networks`, async () => {
      await engine.ok("network", "create", "other");
      await teller("web", ["-p", `8080:80/${protocol}`], [80]);
      await teller("near", [], [80]);
      await teller("apart", ["--network", "other"], [80]);
      const question = `
        my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080, Proto => "${protocol}", Timeout => 2) or die;
        $s->send("?"); alarm 2; $s->recv(my $text, 1500); print $text`;
      for (const name of ["web", "near", "apart"]) {
        for (const address of [HOST, ALSO_HOST, gateway()]) {
          const told = await engine.ok("exec", name, "perl", "-MIO::Socket::INET", "-e", question, address);
          assert.equal(told, `web ${gateway()}`, `${name} at ${address}`);
        }
      }
      await engine.clear();
      await engine.ok("network", "rm", "other");
    });

    test(`${protocol}: on one address it answers there alone; two addresses lead to two containers`, async () => {
      await teller("first", ["-p", `${HOST}:8080:80/${protocol}`, "-p", `127.0.0.1:8081:80/${protocol}`], [80]);
      await teller("second", ["-p", `${ALSO_HOST}:8080:80/${protocol}`], [80]);
      assert.equal(await ask(neighbour, HOST, 8080), `first ${NEIGHBOUR}`);
      assert.equal(await ask(neighbour, ALSO_HOST, 8080), `second ${NEIGHBOUR}`);
      assert.equal(await ask(host, "127.0.0.1", 8081), `first ${gateway()}`);
      assert.equal(await neighbour.ask(HOST, 8081, { protocol, timeout: 500 }), undefined);
      assert.equal(await host.ask("127.0.0.1", 8080, { protocol, timeout: 500 }), undefined);
    });

    test(`${protocol}: ranges, one for one and any of many; ports of the engine's choice`, async () => {
      const inside = Array.from({ length: 11 }, (_, index) => 8000 + index);
      await teller("range", ["-p", `8000-8010:8000-8010/${protocol}`], inside);
      for (const port of inside) assert.equal(await ask(neighbour, HOST, port), `range ${NEIGHBOUR}`, String(port));
      await teller("any", ["-p", `8009-8012:80/${protocol}`, "-p", `81/${protocol}`], [80, 81]);
      const [named, chosen] = (await portsOf("any")).toSorted((a, b) => a - b) as [number, number];
      assert.equal(named, 8011);
      for (const port of [named, chosen]) assert.equal(await ask(neighbour, HOST, port), `any ${NEIGHBOUR}`);
      await teller("all", ["--expose", `80/${protocol}`, "--expose", `81-82/${protocol}`, "-P"], [80, 81, 82]);
      const ports = await portsOf("all");
      assert.equal(ports.length, 3);
      for (const port of ports) assert.equal(await ask(neighbour, HOST, port), `all ${NEIGHBOUR}`);
    });

    test(`${protocol}: the port is held against programs of the host, and theirs against containers`, async () => {
      await engine.ok("run", "-d", "--name", "web", "-p", `8080:80/${protocol}`, "busybox", "sleep", "1000");
      const bind =
        protocol === "tcp"
          ? `require("net").createServer().listen(8080)`
          : `require("dgram").createSocket("udp4").bind(8080)`;
      assert.match((await host.run(process.execPath, "-e", bind)).stderr, /EADDRINUSE/);
      await host.serve(9090, protocol);
      const late = await engine.docker("run", "--rm", "-p", `9090:80/${protocol}`, "busybox");
      assert.equal(late.code, 125);
      assert.match(
        late.stderr,
        /0\.0\.0\.0:9090: bind: address already in use \(held by .* \(pid \d+\); port 9091 is free\)/,
      );
      assert.notEqual(await ask(neighbour, HOST, 9090), undefined, "the program of the host still answers");
    });
  }

  test("udp: a sender that goes on is answered by the container that has the port now", async () => {
    await teller("first", ["-p", "5300:53/udp"], [53]);
    const sender = neighbour.spawn(process.execPath, "-e", SENDER, HOST, "5300");
    const told: string[] = [];
    sender.stdout?.on("data", (text: Buffer) => told.push(...text.toString().split("\n")));
    await until(() => told.includes(`first ${NEIGHBOUR}`), { what: "the first answer" });
    await engine.ok("stop", "-t", "0", "first");
    await teller("second", [], [80]); // has the address now
    await engine.ok("start", "first");
    told.length = 0;
    await until(() => told.includes(`first ${NEIGHBOUR}`), { what: "an answer after the restart" });
    await engine.ok("rm", "-f", "first");
    await teller("third", ["-p", "5300:53/udp"], [53]);
    await until(() => told.includes(`third ${NEIGHBOUR}`), { what: "an answer of the next container" });
    sender.kill("SIGKILL");
    await once(sender, "exit");
  });

  test("sctp: what opens an association arrives at the container's port, from the sender's address, whole", async () => {
    const listen = `socket(S, PF_INET, SOCK_RAW, 132) or die; $| = 1; print "ready\\n";
      $from = recv(S, $text, 1500, 0); print inet_ntoa((sockaddr_in($from))[1]), " ", unpack("H*", substr($text, 20)), "\\n"`;
    await engine.ok("run", "-d", "--name", "sctp", "-p", "8080:80/sctp", ...PROGRAMS, "perl", "-MSocket", "-e", listen);
    assert.equal(await engine.ok("port", "sctp"), "80/sctp -> 0.0.0.0:8080");
    await until(async () => (await engine.ok("logs", "sctp")).startsWith("ready"), { what: "the listener" });
    const send = `socket(S, PF_INET, SOCK_RAW, 132) or die; send(S, pack("H*", $ARGV[1]), 0, sockaddr_in(0, inet_aton($ARGV[0]))) or die`;
    neighbour.ok("perl", "-MSocket", "-e", send, HOST, sctpInit(40_000, 8080).toString("hex"));
    await until(async () => (await engine.ok("logs", "sctp")).split("\n").length === 2, { what: "the packet" });
    const [source, hex = ""] = (await engine.ok("logs", "sctp")).split("\n")[1]?.split(" ") ?? [];
    const packet = Buffer.from(hex, "hex");
    assert.deepEqual([source, packet.readUInt16BE(0), packet.readUInt16BE(2)], [NEIGHBOUR, 40_000, 80]);
    assert.equal(isWholeSctp(packet), true);
  });

  test("redis and nginx of the machine serve another host, and see its address", async () => {
    const redis = ["redis-server", "--save", "", "--protected-mode", "no"];
    await engine.ok("run", "-d", "--name", "redis", "-p", "6379:6379", ...PROGRAMS, ...redis);
    const cli = async (...words: string[]): Promise<string> =>
      (await neighbour.run("redis-cli", "-h", HOST, ...words)).stdout.trim();
    await until(async () => (await cli("ping")) === "PONG", { what: "redis" });
    assert.equal(await cli("set", "key", "value"), "OK");
    assert.equal(await cli("get", "key"), "value");
    assert.match(await cli("client", "info"), new RegExp(`addr=${NEIGHBOUR}:`));
    const conf =
      "daemon off; user root root; error_log stderr; pid /tmp/pid; events {} " +
      "http { access_log /dev/stdout; server { listen 80; location / { return 200 $remote_addr; } } }";
    const script = `mkdir -p /var/log/nginx /var/lib/nginx; echo '${conf}' > /etc/nginx.conf; exec nginx -c /etc/nginx.conf`;
    await engine.ok("run", "-d", "--name", "nginx", "-p", "80:80", ...PROGRAMS, "sh", "-c", script);
    const page = async (from: Host): Promise<string> =>
      (await from.run(process.execPath, "-e", FETCH, `http://${HOST}/`)).stdout;
    await until(async () => (await page(far)) === FAR, { what: "nginx" });
    assert.equal(await page(neighbour), NEIGHBOUR);
  });
});

/** Sends from one port again and again, and prints the answers. */
const SENDER = `
  const [host, port] = process.argv.slice(1);
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", (text) => console.log(String(text)));
  setInterval(() => socket.send("hi", +port, host), 20);`;

const FETCH = `fetch(process.argv[1]).then((page) => page.text()).then((text) => process.stdout.write(text))`;
