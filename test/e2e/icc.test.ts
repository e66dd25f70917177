import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ flags: ["--icc=false"] });
});
after(() => engine.end());

const server = 'for p in 80 81; do (while :; do echo "port $p" | nc -l -p $p; done) & done; wait';
const addressOf = (name: string, network = "bridge"): Promise<string> =>
  engine.ok("inspect", "-f", `{{.NetworkSettings.Networks.${network}.IPAddress}}`, name);
const asks = async (name: string, host: string, port: number): Promise<string> =>
  (await engine.docker("exec", name, "sh", "-c", `nc -w 1 ${host} ${port} </dev/null`)).stdout.trim();
/** Between two answers the server is away for a moment. */
const reaches = (name: string, host: string, port: number): Promise<void> =>
  until(async () => (await asks(name, host, port)) === `port ${port}`, { what: `${host}:${port} to answer ${name}` });

describe("containers on the default bridge with --icc=false", () => {
  it("reach what a link exposes, also at its new address and with a new engine, and nothing else", async () => {
    await engine.ok("run", "-d", "--name", "db", "--expose", "80", "busybox", "sh", "-c", server);
    await engine.ok("run", "-d", "--name", "web", "--link", "db", "busybox", "sleep", "1000");
    await engine.ok("run", "-d", "--name", "other", "busybox", "sleep", "1000");
    const holds = async (): Promise<void> => {
      await reaches("web", "db", 80);
      await reaches("db", "127.0.0.1", 81);
      assert.equal(await asks("web", "db", 81), "");
      assert.equal(await asks("other", await addressOf("db"), 80), "");
    };
    await holds();
    const before = await addressOf("db");
    await engine.ok("stop", "-t", "0", "db");
    await engine.ok("run", "-d", "--name", "sits", "busybox", "sleep", "1000");
    await engine.ok("start", "db");
    assert.notEqual(await addressOf("db"), before);
    await holds();
    await engine.crash();
    await engine.up();
    await holds();
    await engine.ok("rm", "--link", "web/db");
    assert.equal(await asks("web", await addressOf("db"), 80), "");
    await engine.clear();
  });

  it("shows in inspect, and leaves the user's networks alone", async () => {
    const option = '{{index .Options "com.docker.network.bridge.enable_icc"}}';
    assert.equal(await engine.ok("network", "inspect", "-f", option, "bridge"), "false");
    await engine.ok("network", "create", "mine");
    await engine.ok("run", "-d", "--name", "db", "--network", "mine", "busybox", "sh", "-c", server);
    await engine.ok("run", "-d", "--name", "web", "--network", "mine", "busybox", "sleep", "1000");
    await reaches("web", await addressOf("db", "mine"), 81);
    await engine.clear();
    await engine.ok("network", "rm", "mine");
  });
});
