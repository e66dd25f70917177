import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

describe("the engine about itself", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-config-"));
  const file = path.join(folder, "daemon.json");
  const configure = (config: object): void => fs.writeFileSync(file, JSON.stringify(config));
  let engine: TestEngine;
  before(async () => {
    configure({ labels: ["room=1"], "insecure-registries": ["old.lan:5000"] });
    engine = await TestEngine.start({ flags: ["--config-file", file] });
  });
  after(async () => {
    await engine.end();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  interface Info {
    Labels: string[];
    Debug: boolean;
    NEventsListener: number;
    RuncCommit: { ID: string };
    RegistryConfig: { IndexConfigs: Record<string, unknown> };
  }
  const info = async (): Promise<Info> => JSON.parse((await engine.get("/info")).text) as Info;

  it("names the programs that it works by, with their versions", async () => {
    const { Components } = JSON.parse((await engine.get("/version")).text) as {
      Components: { Name: string; Version: string }[];
    };
    const versions = new Map(Components.map(({ Name, Version }) => [Name, Version]));
    assert.match(versions.get("conmon") ?? "", /^\d+\.\d+/);
    assert.match(versions.get("crun") ?? versions.get("runc") ?? "", /^\d+\.\d+/);
    assert.notEqual((await info()).RuncCommit.ID, "");
    assert.match(await engine.ok("version"), /conmon:\n\s+Version:/);
    assert.match((await engine.gantry("version")).stdout, /conmon:\n\s+Version:/);
  });

  it("takes labels, registries and the log level from its file anew on SIGHUP, and tells of it", async () => {
    assert.deepEqual((await info()).Labels, ["room=1"]);
    const since = (Date.now() / 1000).toFixed(3);
    configure({ labels: ["room=2", "rack=7"], "insecure-registries": ["new.lan:5000"], "log-level": "debug" });
    process.kill(engine.pid, "SIGHUP");
    await until(async () => (await info()).Labels.length === 2, { what: "the new labels" });
    const now = await info();
    assert.deepEqual(now.Labels, ["room=2", "rack=7"]);
    assert.deepEqual(Object.keys(now.RegistryConfig.IndexConfigs), ["docker.io", "new.lan:5000"]);
    assert.equal(now.Debug, true);
    const told = await engine.ok(
      "events",
      "--since",
      since,
      "--until",
      (Date.now() / 1000 + 1).toFixed(3),
      "--filter",
      "daemon=",
      "--format",
      "{{json .}}",
    );
    const event = JSON.parse(told) as { Type: string; Action: string; Actor: { Attributes: Record<string, string> } };
    assert.deepEqual([event.Type, event.Action], ["daemon", "reload"]);
    assert.equal(event.Actor.Attributes["labels"], '["room=2","rack=7"]');
  });

  it("keeps what it has if the file is wrong", async () => {
    for (const text of ["{", '{"labels": "x"}', '{"labels": ["x"]}', '{"nosuch": 1}']) {
      const lines = engine.log.split("all stays as it is").length;
      fs.writeFileSync(file, text);
      process.kill(engine.pid, "SIGHUP");
      await until(() => engine.log.split("all stays as it is").length > lines, { what: `a word about ${text}` });
      assert.deepEqual((await info()).Labels, ["room=2", "rack=7"]);
    }
    configure({});
  });

  it("lists containers by every filter that docker has", async () => {
    await engine.ok("network", "create", "sieve");
    const options = ["--name", "one", "--label", "a=1", "--network", "sieve", "-v", "sieved:/v", "--expose", "80"];
    const id = await engine.ok("run", "-d", ...options, "-p", "127.0.0.1::90", "busybox", "sleep", "100");
    const port = (await engine.ok("port", "one", "90")).split(":")[1];
    await engine.docker("run", "--name", "two", "busybox", "sh", "-c", "exit 3");
    const names = async (...filters: string[]): Promise<string> =>
      (await engine.ok("ps", "-a", "--format", "{{.Names}}", ...filters.flatMap((one) => ["-f", one])))
        .split("\n")
        .join(" ");
    const expected: [string, string][] = [
      [`id=${id.slice(0, 12)}`, "one"],
      ["name=on", "one"],
      ["name=^/two$", "two"],
      ["label=a", "one"],
      ["label=a=2", ""],
      ["exited=3", "two"],
      ["status=running", "one"],
      ["status=exited", "two"],
      ["ancestor=busybox", "two one"],
      ["ancestor=busybox:latest", "two one"],
      ["before=two", "one"],
      ["since=one", "two"],
      ["volume=sieved", "one"],
      ["volume=/v", "one"],
      ["network=sieve", "one"],
      [`publish=${port}`, "one"],
      ["publish=90", ""],
      ["expose=80/tcp", "one"],
      ["expose=80-100", "one"],
      ["health=none", "two one"],
      ["health=healthy", ""],
      ["is-task=false", "two one"],
      ["is-task=true", ""],
      ["isolation=default", "two one"],
    ];
    for (const [filter, found] of expected) assert.equal(await names(filter), found, filter);
    assert.equal(await names("name=one", "name=two"), "two one", "any of several values");
    assert.equal(await names("name=one", "exited=3"), "", "all of several filters");
    assert.equal(await engine.ok("ps", "-n", "1", "--format", "{{.Names}}"), "two");
    assert.match(await engine.ok("ps", "-as", "--format", "{{.Size}}"), /^0B \(virtual [\d.]+MB\)/);
    const wrong: [string, RegExp][] = [
      ["colour=red", /invalid filter 'colour'/],
      [
        "status=bored",
        /invalid value for status filter: invalid container state|Unrecognised filter value for status/i,
      ],
      ["exited=x", /strconv.Atoi: parsing "x": invalid syntax/],
      ["before=nosuch", /No such container: nosuch/],
      ["is-task=maybe", /is-task/],
      ["health=fine", /health/],
      ["publish=x", /port/i],
    ];
    for (const [filter, words] of wrong) {
      const ran = await engine.docker("ps", "-f", filter);
      assert.equal(ran.code, 1, filter);
      assert.match(ran.stderr, words, filter);
    }
    await engine.ok("rm", "-f", "one", "two");
    await engine.ok("network", "rm", "sieve");
    await engine.ok("volume", "rm", "sieved");
  });
});
