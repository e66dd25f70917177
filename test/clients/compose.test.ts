import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { ContainerInspect } from "../../src/wire/types/containers.ts";
import { type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { answers, freePorts } from "../support/web.ts";

/** Debian's Compose 1.29, of Python, with a project of three services. */
describe("docker-compose 1.29", () => {
  let engine: TestEngine;
  let project: string;
  let env: NodeJS.ProcessEnv;
  let port: number;
  let subnet: string;
  let subnet6: string;

  before(async () => {
    engine = await TestEngine.start();
    project = path.join(engine.folder, "shop");
    fs.cpSync(path.join(import.meta.dirname, "compose"), project, { recursive: true });
    port = await freePorts(1);
    const [, b, c] = engine.subnet.split(".");
    subnet = `10.62.${c}`;
    subnet6 = `fd62:${b}:${c}:1`;
    const values = { SUBNET: subnet, SUBNET6: subnet6, API_PORT: String(port), PROJECT_IMAGE: "shop-db" };
    env = { ...engine.env, COMPOSE_HTTP_TIMEOUT: "60", ...values };
  });
  after(async () => {
    await call("down", "-v", "-t", "0");
    await engine.end();
  });

  const call = (...args: string[]): Promise<Ran> =>
    run("docker-compose", ["--ansi", "never", ...args], { env, cwd: project, timeout: 60_000 });
  async function compose(...args: string[]): Promise<string> {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `docker-compose ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  }
  // Compose takes a second for each command: what only looks goes to the engine.
  const idOf = (service: string): Promise<string> =>
    engine.ok("ps", "-aq", "--no-trunc", "--filter", `label=com.docker.compose.service=${service}`);
  async function inspect(service: string): Promise<ContainerInspect> {
    const { text } = await engine.get(`/containers/${await idOf(service)}/json`);
    return JSON.parse(text) as ContainerInspect;
  }
  const inside = (service: string, ...command: string[]): Promise<string> =>
    engine.ok("exec", `shop_${service}_1`, ...command);

  it("brings all up in order, with what was built", async () => {
    await compose("up", "-d");
    const { Config, HostConfig } = await inspect("db");
    assert.equal(Config.Image, "shop-db");
    assert.equal(HostConfig.RestartPolicy?.Name, "on-failure");
    assert.equal(
      await compose("exec", "-T", "db", "cat", "/var/data/maker"),
      "made for db",
      "the target's arguments, and no later stage",
    );
    assert.match(await compose("ps"), /shop_api_1 .* Up .*127\.0\.0\.1:\d+->8080\/tcp/);
    assert.match(await compose("images"), /shop_db_1\s+shop-db\s+latest/);
    assert.match(await compose("top", "db"), /httpd -f -p 80/);
  });

  it("networks have the subnets, addresses, aliases and links asked for, in both families", async () => {
    const { NetworkSettings } = await inspect("db");
    const { shop_front: front, shop_back: back } = NetworkSettings.Networks;
    assert.equal(front?.IPAddress, `${subnet}.40`);
    assert.equal(front?.Gateway, `${subnet}.1`);
    assert.match(back?.IPAddress ?? "", /^10\./);
    for (const name of ["db", "database", "shop_db_1", "linked"]) {
      assert.match(await inside("api", "wget", "-qO-", `http://${name}/`), /^[0-9a-f]{12}$/, name);
    }
    const elsewhere = await engine.docker("exec", "shop_web_1", "wget", "-qO-", "-T", "2", "http://store/");
    assert.notEqual(elsewhere.code, 0, "an alias holds on its own network");
    const refused = await engine.docker("exec", "shop_web_1", "wget", "-qO-", "-T", "2", "http://linked/");
    assert.notEqual(refused.code, 0, "a link's name is the container's own");
    const { shop_six: six } = (await inspect("api")).NetworkSettings.Networks;
    assert.match(six?.GlobalIPv6Address ?? "", new RegExp(`^${subnet6}::`));
    await inside("api", "ping6", "-c1", "-W2", `${subnet6}::1`);
  });

  it("environment, hosts and volumes are the project's", async () => {
    assert.equal(await inside("api", "sh", "-c", "echo $COLOUR, $SHAPE, $SIZE"), "red, round, two words");
    assert.match(await inside("api", "cat", "/etc/hosts"), /^192\.0\.2\.7\s+printer$/m);
    assert.equal(await inside("api", "cat", "/var/data/maker"), "made for db");
    assert.notEqual(
      (await engine.docker("exec", "shop_api_1", "touch", "/var/data/more")).code,
      0,
      "volumes_from is read-only",
    );
    const [data] = JSON.parse(await engine.ok("volume", "inspect", "shop_data")) as [
      { Labels: Record<string, string> },
    ];
    assert.equal(data.Labels["part"], "data");
    assert.equal(data.Labels["com.docker.compose.project"], "shop");
  });

  it("publishes at a host address, and at a port of the engine's choice", async () => {
    assert.equal(await compose("port", "api", "8080"), `127.0.0.1:${port}`);
    const api = (await idOf("api")).slice(0, 12);
    await answers(port, api);
    const bindings = (await inspect("api")).NetworkSettings.Ports["8080/tcp"] ?? [];
    const chosen = bindings.find(({ HostIp }) => HostIp === "0.0.0.0");
    await answers(chosen?.HostPort ?? "", api);
  });

  it("runs one-off containers, with the service's volumes and names", async () => {
    const said = await compose("run", "--rm", "-T", "web", "sh", "-c", "wget -qO- http://db/; echo $WHAT");
    assert.match(said, /^[0-9a-f]{12}$/);
    const failed = await call("run", "--rm", "-T", "-e", "WHAT=rope", "web", "sh", "-c", "echo $WHAT; exit 7");
    assert.deepEqual([failed.code, failed.stdout.trim()], [7, "rope"]);
    assert.equal(await engine.ok("ps", "-aq", "--filter", "label=com.docker.compose.oneoff=True"), "");
  });

  it("scales; the service's name leads to all its containers in turn", async () => {
    await compose("up", "-d", "--scale", "web=3");
    const ids = (await idOf("web")).split("\n");
    assert.equal(ids.length, 3);
    const asked = await inside(
      "api",
      "sh",
      "-c",
      "for i in $(seq 20); do nslookup web. | grep -v :53 | grep -m1 Address; done",
    );
    assert.equal(new Set(asked.split("\n")).size, 3, asked);
    for (const number of [1, 2, 3]) {
      const hostname = await inside("api", "wget", "-qO-", `http://shop_web_${number}/`);
      assert.ok(ids.some((id) => id.startsWith(hostname)));
    }
    await compose("up", "-d", "--scale", "web=1");
    assert.equal((await idOf("web")).split("\n").length, 1);
    const left = await engine.ok("volume", "prune", "-f");
    assert.equal(
      left.match(/^[0-9a-f]{64}$/gm)?.length,
      2,
      "as with dockerd, those that were scaled away leave theirs",
    );
  });

  it("recreates what changed, and keeps what is in anonymous volumes", async () => {
    await inside("web", "sh", "-c", "echo kept > /var/own/file");
    const [web, api] = [await idOf("web"), await idOf("api")];
    env = { ...env, COLOUR: "blue" };
    await compose("up", "-d");
    assert.notEqual(await idOf("api"), api);
    assert.equal(await inside("api", "sh", "-c", "echo $COLOUR"), "blue");
    await compose("up", "-d", "--force-recreate", "web");
    assert.notEqual(await idOf("web"), web);
    assert.equal(await inside("web", "cat", "/var/own/file"), "kept");
    await answers(port, (await idOf("api")).slice(0, 12));
    assert.equal(await inside("api", "cat", "/var/data/maker"), "made for db");
    const before = [await idOf("db"), await idOf("api"), await idOf("web")];
    await compose("up", "-d");
    assert.deepEqual([await idOf("db"), await idOf("api"), await idOf("web")], before, "nothing changed");
  });

  it("stops, starts, restarts, pauses and kills; its events tell", async () => {
    const events = spawn("docker-compose", ["events", "--json"], { env, cwd: project });
    let told = "";
    events.stdout.on("data", (chunk) => (told += String(chunk)));
    const heard = (action: string): boolean => told.includes(`"action": "${action}"`);
    try {
      await until(() => told !== "", { what: "the database's health checks", timeout: 20_000 });
      await compose("pause", "web");
      assert.match(await compose("ps", "web"), /Paused/);
      await compose("unpause", "web");
      await compose("stop", "-t", "0", "web");
      assert.match(await compose("ps", "web"), /Exit 137/);
      await compose("start", "web");
      await compose("restart", "-t", "0", "web");
      await compose("kill", "-s", "KILL", "web");
      const actions = ["pause", "unpause", "stop", "start", "restart", "kill", "die"];
      await until(() => actions.every(heard), { what: "all events" });
      const all = told
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const kill = all.find(({ action }) => action === "kill");
      assert.deepEqual([kill?.["service"], kill?.["type"]], ["web", "container"]);
      assert.deepEqual(kill?.["attributes"], { name: "shop_web_1", image: "busybox", signal: "15" });
    } finally {
      events.kill("SIGKILL");
    }
    await compose("rm", "-f", "-v", "web");
    assert.equal(await idOf("web"), "");
    await compose("create", "web");
    assert.equal((await inspect("web")).State.Status, "created");
    await compose("start");
  });

  it("a service that fails is started again", async () => {
    const { Pid } = (await inspect("db")).State;
    process.kill(Pid, "SIGKILL");
    await until(async () => (await engine.ok("logs", "shop_db_1")).split("db is up").length === 3, { what: "it" });
    assert.equal((await inspect("db")).RestartCount, 1);
    const logs = await compose("logs", "-t", "--tail", "1", "--no-color");
    for (const service of ["api", "db"]) {
      assert.match(logs, new RegExp(`^${service}_1 +\\| \\d{4}-\\d\\d-\\d\\dT\\S+Z ${service} is up$`, "m"));
    }
  });

  it("takes all down, and leaves nothing", async () => {
    await compose("down", "-v", "--rmi", "local", "-t", "0", "--remove-orphans");
    assert.equal(await engine.ok("ps", "-aq"), "");
    assert.equal(await engine.ok("volume", "ls", "-q"), "");
    assert.equal(await engine.ok("network", "ls", "-q", "--filter", "type=custom"), "");
  });
});
