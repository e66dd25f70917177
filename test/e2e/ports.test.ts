import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { answers, freePorts, page, WEB } from "../support/web.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** busybox speaks no UDP here: the machine's own perl, which every Debian has, answers what it is sent. */
const PERL = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", "busybox"];
const ECHO =
  'socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, INADDR_ANY)); while ($from = recv(S, $text, 1500, 0)) { send(S, "got $text", 0, $from) }';

/** Asks over UDP until an answer comes. */
async function ask(port: number, words: string, host = "127.0.0.1"): Promise<string> {
  const socket = dgram.createSocket("udp4");
  const answer = once(socket, "message");
  const timer = setInterval(() => socket.send(words, port, host), 100);
  try {
    socket.send(words, port, host);
    const given = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("no answer")), 5000).unref());
    const [message] = (await Promise.race([answer, given])) as [Buffer];
    return message.toString();
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

/** An address of the machine beside its loopback, not one of an engine's bridge. */
const ownAddress = (): string =>
  Object.entries(os.networkInterfaces())
    .filter(([name]) => /^(eth|en)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? `${engine.subnet}.1`;

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const out = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `${cli} ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  };
  const fails = async (code: number, words: RegExp, ...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, code, `${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
    assert.match(ran.stderr, words);
    const told = ran.stderr
      .split("\n")
      .filter((line) => line !== "" && !/^hint: |^Usage: |--help' for more|^exit status 1$/.test(line));
    assert.equal(told.length, 1, ran.stderr);
    return ran.stderr;
  };
  const web = (name: string, ...flags: string[]): Promise<string> =>
    out("run", "-d", "--name", name, "--hostname", name, ...flags, ...WEB);
  /** The host's port that `port` says. */
  const portOf = async (name: string, inner: string): Promise<string> =>
    (await out("port", name, inner)).split("\n")[0]!.split(":").at(-1)!;

  describe(`through ${cli}`, () => {
    // A test that failed must not fail the next ones.
    afterEach(async () => {
      const ids = (await engine.ok("ps", "-aq")).split("\n").filter(Boolean);
      if (ids.length > 0) await engine.ok("rm", "-fv", ...ids);
      await engine.docker("network", "prune", "-f");
    });

    it("publishes TCP to the host's loopback, its own address and other containers, and gives it up again", async () => {
      const port = await freePorts(1);
      await web("hello", "-p", `${port}:80`);
      await answers(port, "hello");
      await answers(port, "hello", ownAddress());
      const gateway = `${engine.subnet}.1`;
      assert.equal(await out("run", "--rm", "busybox", "wget", "-qO-", `http://${gateway}:${port}/`), "hello");
      // Out and back in to itself.
      assert.equal(await out("exec", "hello", "wget", "-qO-", `http://${gateway}:${port}/`), "hello");
      const inside = await out("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "hello");
      assert.equal(await out("run", "--rm", "busybox", "wget", "-qO-", `http://${inside}/`), "hello");
      assert.match(await out("ps", "--format", "{{.Ports}}"), new RegExp(`^0\\.0\\.0\\.0:${port}->80/tcp`));
      assert.match(await out("port", "hello"), new RegExp(`^80/tcp -> 0\\.0\\.0\\.0:${port}$`, "m"));
      await out("stop", "-t", "1", "hello");
      assert.equal(await page(port), undefined);
      await out("start", "hello");
      await answers(port, "hello");
      await out("rm", "-f", "hello");
      assert.equal(await page(port), undefined);
      const server = net.createServer().listen(port, "0.0.0.0");
      await once(server, "listening");
      server.close();
    });

    it("publishes UDP", async () => {
      const port = await freePorts(1);
      await out("run", "-d", "--name", "udp", "-p", `${port}:53/udp`, ...PERL, "perl", "-MSocket", "-e", ECHO);
      for (const host of ["127.0.0.1", ownAddress()]) assert.equal(await ask(port, "ping", host), "got ping");
      assert.match(await out("port", "udp"), new RegExp(`^53/udp -> 0\\.0\\.0\\.0:${port}$`, "m"));
      await out("rm", "-f", "udp");
    });

    it("publishes on one address only, on a port of the engine's choice, ranges, and all that is exposed", async () => {
      const first = await freePorts(3);
      await web(
        "many",
        "-p",
        `127.0.0.1:${first}:80`,
        "-p",
        "80",
        "-p",
        `${first + 1}-${first + 2}:80`,
        "--expose",
        "81",
        "-P",
      );
      await answers(first, "many");
      assert.equal(await page(first, ownAddress()), undefined);
      const ports = JSON.parse(await out("inspect", "-f", "{{json .NetworkSettings.Ports}}", "many")) as Record<
        string,
        { HostIp: string; HostPort: string }[]
      >;
      const chosen = (ports["80/tcp"] ?? []).map(({ HostPort }) => Number(HostPort));
      assert.equal(chosen.includes(first + 1), true, JSON.stringify(ports));
      for (const port of chosen) await answers(port, "many");
      assert.ok(Number(await portOf("many", "81")) > 0);
      await out("rm", "-f", "many");
      await web("range", "-p", `${first}-${first + 1}:80-81`);
      assert.equal(await portOf("range", "81"), String(first + 1));
      await out("rm", "-f", "range");
    });

    it("says which container holds a taken port and which is free; nothing is left behind", async () => {
      const port = await freePorts(2);
      await web("holder", "-p", `${port}:80`);
      const words = await fails(
        125,
        new RegExp(
          `driver failed programming external connectivity on endpoint late \\(\\w+\\): Bind for 0\\.0\\.0\\.0:${port} failed: port is already allocated \\(held by container holder; port ${port + 1} is free\\)`,
        ),
        ...["run", "-d", "--rm", "--name", "late", "-p", `${port}:80`, ...WEB],
      );
      if (cli === "gantry") assert.match(words, new RegExp(`try -p ${port + 1}:80`));
      assert.deepEqual((await out("ps", "-a", "--format", "{{.Names}}")).split("\n"), ["holder"]);
      // Without --rm docker keeps what couldn't start.
      await fails(125, /already allocated/, "run", "-d", "--name", "late", "-p", `${port}:80`, ...WEB);
      assert.equal(await out("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "late"), "created 128");
      await out("rm", "-f", "holder");
      await out("start", "late");
      await answers(port, await out("inspect", "-f", "{{.Config.Hostname}}", "late"));
      await out("rm", "-f", "late");
    });

    it("says which process holds a taken port", async () => {
      const port = await freePorts(2);
      const server = net.createServer().listen(port, "127.0.0.1");
      await once(server, "listening");
      const command = fs.readFileSync("/proc/self/comm", "utf8").trim();
      try {
        await fails(
          125,
          new RegExp(
            `bind: address already in use \\(held by ${command} \\(pid ${process.pid}\\); port ${port + 1} is free\\)`,
          ),
          ...["run", "--rm", "-p", `${port}:80`, "busybox"],
        );
      } finally {
        server.close();
      }
      assert.equal(await out("ps", "-aq"), "");
    });

    it("refuses what no port can be, with 125", async () => {
      await fails(
        125,
        /invalid hostPort: 99999|Invalid hostPort|invalid.*port.*99999/i,
        "run",
        "--rm",
        "-p",
        "99999:80",
        "busybox",
      );
      await fails(125, /invalid.*port.*x|Invalid containerPort: x/i, "run", "--rm", "-p", "80:x", "busybox");
      await fails(125, /invalid proto|Invalid proto/i, "run", "--rm", "-p", "80:80/nosuch", "busybox");
      await fails(125, /invalid.*address|invalid IP/i, "run", "--rm", "-p", "1.2.3:80:80", "busybox");
      await fails(125, /network nosuch not found/, "run", "--rm", "--network", "nosuch", "busybox");
      await fails(125, /No such container: nosuch/, "run", "--rm", "--network", "container:nosuch", "busybox");
      assert.equal(await out("ps", "-aq"), "");
    });

    it("gives no network, the host's and another container's", async () => {
      const links = ["sh", "-c", "ls /sys/class/net | tr '\\n' ' '"];
      assert.equal(await out("run", "--rm", "--network", "none", "busybox", ...links), "lo");
      const host = await out("run", "--rm", "--network", "host", "busybox", "sh", "-c", `ls /sys/class/net; hostname`);
      assert.ok(host.split("\n").includes(engine.bridge), host);
      assert.equal(host.split("\n").at(-1), os.hostname());
      await web("shared");
      const got = await out(
        "run",
        "--rm",
        "--network",
        "container:shared",
        "busybox",
        "sh",
        "-c",
        "wget -qO- http://127.0.0.1/; hostname",
      );
      assert.equal(got, "shared\nshared");
      await fails(
        125,
        /conflicting options: port publishing and the container type network mode/,
        ...["run", "--rm", "--network", "container:shared", "-p", "80", "busybox"],
      );
      await out("rm", "-f", "shared");
    });

    it("makes networks of one's own, connects, disconnects, inspects and removes them", async () => {
      const id = await out("network", "create", "--label", "x=y", "own");
      assert.match(id, /^[0-9a-f]{64}$/);
      await fails(1, /network with name own already exists/, "network", "create", "own");
      await web("inside", "--network", "own");
      const address = await out("inspect", "-f", "{{.NetworkSettings.Networks.own.IPAddress}}", "inside");
      assert.equal(
        await out("run", "--rm", "--network", "own", "busybox", "wget", "-qO-", `http://${address}/`),
        "inside",
      );
      // Not from another network.
      const other = await call("run", "--rm", "busybox", "sh", "-c", `timeout 1 wget -qO- ${address}; exit 9`);
      assert.deepEqual([other.code, other.stdout], [9, ""]);
      await out("network", "connect", "bridge", "inside");
      const second = await out("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "inside");
      assert.equal(await out("run", "--rm", "busybox", "wget", "-qO-", `http://${second}/`), "inside");
      await out("network", "disconnect", "bridge", "inside");
      assert.equal(await out("inspect", "-f", "{{len .NetworkSettings.Networks}}", "inside"), "1");
      assert.equal(
        await out("network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}} {{.Labels.x}}", "own"),
        "inside y",
      );
      assert.deepEqual((await out("network", "ls", "--format", "{{.Name}}")).split("\n").toSorted(), [
        ...["bridge", "host", "none", "own"],
      ]);
      await fails(1, /network own .*has active endpoints/, "network", "rm", "own");
      await fails(1, /bridge is a pre-defined network and cannot be removed/, "network", "rm", "bridge");
      await out("rm", "-f", "inside");
      await out("network", "rm", "own");
      await fails(1, /network own not found/, "network", "inspect", "own");
    });
  });
}

it("keeps published ports answering while the engine is killed and started again", async () => {
  const port = await freePorts(1);
  await engine.ok("run", "-d", "--name", "steady", "--hostname", "steady", "-p", `${port}:80`, ...WEB);
  await answers(port, "steady");
  const seen: (string | undefined)[] = [];
  const polling = new AbortController();
  const poll = (async () => {
    while (!polling.signal.aborted) {
      seen.push(await page(port));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await engine.crash();
  const during = seen.length;
  await until(() => seen.length > during + 5, { what: "pages without an engine" });
  await engine.up();
  const started = seen.length;
  await until(() => seen.length > started + 5, { what: "pages after the start" });
  polling.abort();
  await poll;
  assert.deepEqual(new Set(seen), new Set(["steady"]));
  // The port is still held against others.
  const taken = net.createServer().listen(port, "0.0.0.0");
  const [error] = (await once(taken, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "EADDRINUSE");
  await engine.ok("rm", "-f", "steady");
  assert.equal(await page(port), undefined);
});

describe("nginx behind a published port", () => {
  before(async () => {
    const context = fs.mkdtempSync(path.join(engine.folder, "nginx-"));
    const libraries = [...execFileSync("ldd", ["/usr/sbin/nginx"], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g)];
    for (const file of ["/usr/sbin/nginx", ...libraries.map(([, library]) => library as string)]) {
      const copy = path.join(context, "root", file);
      fs.mkdirSync(path.dirname(copy), { recursive: true });
      fs.copyFileSync(file, copy);
    }
    fs.writeFileSync(
      path.join(context, "nginx.conf"),
      "daemon off; user root root; error_log stderr; pid /tmp/pid; events {} http { access_log /dev/stdout; server { listen 80; root /www; } }",
    );
    fs.writeFileSync(path.join(context, "big"), Buffer.alloc(5_000_000, "0123456789"));
    fs.writeFileSync(
      path.join(context, "Dockerfile"),
      [
        ...["FROM busybox", "RUN mkdir -p /var/log/nginx /var/lib/nginx /www"],
        ...["COPY root /", "COPY nginx.conf /etc/nginx.conf", "COPY big /www/", "EXPOSE 80"],
        ...["STOPSIGNAL SIGQUIT", 'CMD ["nginx", "-c", "/etc/nginx.conf"]'],
      ].join("\n"),
    );
    await engine.ok("build", "-t", "nginx", context);
  });

  it("serves large files to many at once, logs, and stops with its own signal", async () => {
    const port = await freePorts(1);
    await engine.ok("run", "-d", "--name", "web", "-p", `${port}:80`, "nginx");
    await until(async () => (await page(port)) !== undefined, { what: "nginx" });
    const bodies = await Promise.all(
      Array.from(
        { length: 8 },
        async () => (await (await fetch(`http://127.0.0.1:${port}/big`)).arrayBuffer()).byteLength,
      ),
    );
    assert.deepEqual(bodies, Array(8).fill(5_000_000));
    const logs = await engine.ok("logs", "web");
    assert.equal(logs.split("\n").filter((line) => line.includes('GET /big HTTP/1.1" 200 5000000')).length, 8, logs);
    await engine.ok("stop", "web");
    assert.equal(await engine.ok("inspect", "-f", "{{.State.ExitCode}}", "web"), "0");
    await engine.ok("rm", "web");
  });
});
