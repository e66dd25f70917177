import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

afterEach(() => engine.clear());

const inspect = (format: string, name: string): Promise<string> => engine.ok("inspect", "-f", format, name);
const addressOf = (name: string): Promise<string> => inspect("{{.NetworkSettings.Networks.bridge.IPAddress}}", name);
const hostsOf = async (name: string): Promise<string> =>
  (await engine.ok("exec", name, "cat", "/etc/hosts")).split("\n").slice(6).join("\n");
const sleeper = (name: string, ...options: string[]): Promise<string> =>
  engine.ok("run", "-d", "--init", "--name", name, ...options, "busybox", "sleep", "1000");
const short = (name: string): Promise<string> => inspect("{{.Config.Hostname}}", name);

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;

  describe(`links on the default bridge, through ${cli}`, () => {
    it("give names, variables and inspect's words", async () => {
      await sleeper("db", "-e", "FOO=bar", "--expose", "80");
      const args = ["run", "-d", "--name", "web", "--link", "db:the-store", "--link", "db", "busybox", "sleep", "1000"];
      const made = await run(program, args, { env: engine.env });
      assert.equal(made.code, 0, made.stderr);
      const address = await addressOf("db");
      assert.equal(
        await hostsOf("web"),
        [
          `${address}\tthe-store ${await short("db")} db`,
          `${address}\tdb ${await short("db")}`,
          `${await addressOf("web")}\t${await short("web")}`,
        ].join("\n"),
      );
      const env = (await engine.ok("exec", "web", "cat", "/proc/1/environ")).split("\0");
      for (const entry of [
        `THE_STORE_PORT=tcp://${address}:80`,
        `THE_STORE_PORT_80_TCP_ADDR=${address}`,
        "THE_STORE_NAME=/web/the-store",
        "DB_ENV_FOO=bar",
      ]) {
        assert.ok(env.includes(entry), entry);
      }
      assert.equal(await inspect("{{json .HostConfig.Links}}", "web"), '["/db:/web/the-store","/db:/web/db"]');
      assert.equal(
        await engine.ok("ps", "--no-trunc", "--filter", "name=db", "--format", "{{.Names}}"),
        "db,web/the-store,web/db",
      );
      assert.equal(await inspect("{{.Name}}", "web/the-store"), "/db");
      const reached = await engine.docker("exec", "web", "ping", "-c", "1", "-W", "2", "the-store");
      assert.equal(reached.code, 0, reached.stdout);
    });

    it("go with rm --link, for the running container too", async () => {
      await sleeper("db");
      await sleeper("web", "--link", "db:store", "--link", "db");
      const gone = await run(program, ["rm", "--link", "web/store"], { env: engine.env });
      assert.deepEqual(gone, { code: 0, stdout: "web/store\n", stderr: "" });
      assert.equal(await inspect("{{json .HostConfig.Links}}", "web"), '["/db:/web/db"]');
      assert.doesNotMatch(await hostsOf("web"), /store/);
      const again = await run(program, ["rm", "--link", "web/store"], { env: engine.env });
      assert.match(again.stderr, /No such container: web\/store/);
      const name = await run(program, ["rm", "--link", "db"], { env: engine.env });
      assert.match(name.stderr, /Conflict, cannot remove the default link name of the container/);
    });
  });
}

describe("links", () => {
  it("follow the other container to another address, and outlive the engine", async () => {
    await sleeper("db");
    await sleeper("web", "--link", "db:store");
    await engine.ok("exec", "web", "sh", "-c", "echo '# mine' >>/etc/hosts");
    const before = await addressOf("db");
    await engine.ok("stop", "-t", "0", "db");
    await sleeper("squatter");
    assert.equal(await addressOf("squatter"), before);
    await engine.crash();
    await engine.up();
    await engine.ok("start", "db");
    const after = await addressOf("db");
    assert.notEqual(after, before);
    const hosts = await hostsOf("web");
    assert.match(hosts, new RegExp(`^${after.replaceAll(".", "\\.")}\tstore ${await short("db")} db$`, "m"));
    assert.match(hosts, /^# mine$/m);
    await engine.ok("rename", "db", "base");
    assert.equal(await inspect("{{json .HostConfig.Links}}", "web"), '["/base:/web/store"]');
  });

  it("are refused where they lead nowhere", async () => {
    const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
      const ran = await engine.docker(...args);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, words);
    };
    await refused(
      /could not get container for nosuch: No such container: nosuch/,
      "create",
      "--link",
      "nosuch",
      "busybox",
    );
    await engine.ok("create", "--name", "down", "busybox", "sleep", "100");
    await engine.ok("create", "--name", "up", "--link", "down:x", "busybox");
    await refused(/Cannot link to a non running container: \/down AS \/up\/x/, "start", "up");
    await engine.ok("rm", "down");
    await refused(/Cannot link to a non running container: \/down AS \/up\/x/, "start", "up");
    await refused(
      /conflicting options: host type networking can't be used with links/,
      ...["create", "--network", "host", "--link", "up", "busybox"],
    );
    await refused(
      /conflicting options: container type network can't be used with links/,
      ...["create", "--network", "container:up", "--link", "up", "busybox"],
    );
    await engine.ok("network", "create", "own");
    await engine.ok("run", "-d", "--name", "far", "--network", "own", "busybox", "sleep", "100");
    await refused(
      /Cannot link to \/far, as it does not belong to the default network/,
      ...["run", "--link", "far", "busybox"],
    );
  });

  it("on a network of the user's are names for the other container there", async () => {
    await engine.ok("network", "create", "shop");
    await engine.ok("run", "-d", "--name", "web", "--network", "shop", "--link", "db:store", "busybox", "sleep", "100");
    assert.equal(await inspect("{{json .HostConfig.Links}}", "web"), "null");
    assert.equal(await inspect("{{json .NetworkSettings.Networks.shop.Links}}", "web"), '["db:store"]');
    await engine.ok("run", "-d", "--name", "db", "--network", "shop", "busybox", "sleep", "100");
    const reached = await engine.docker("exec", "web", "ping", "-c", "1", "-W", "2", "store");
    assert.equal(reached.code, 0, reached.stderr);
    assert.doesNotMatch(await engine.ok("exec", "web", "cat", "/etc/hosts"), /store/);
    const stranger = await engine.docker("exec", "db", "ping", "-c", "1", "-W", "2", "store");
    assert.match(stranger.stderr, /bad address/, "the link is a name for web alone");
    const bad = await engine.docker("network", "connect", "--link", "a:b:c", "shop", "up");
    assert.match(bad.stderr, /bad format for links: a:b:c/);
  });
});
