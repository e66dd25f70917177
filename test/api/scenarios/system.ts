import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";

/** Answers about the engine itself, each held against the Swagger file. */
export function systemOperations(api: Asker): void {
  it("ping, version, info, system df", async () => {
    const ping = await api.engine.get("/_ping");
    assert.equal(ping.text, "OK");
    const { headers } = ping;
    assert.equal(headers["api-version"], "1.51");
    assert.equal(headers["ostype"], "linux");
    assert.equal(headers["builder-version"], "1");
    assert.equal(headers["docker-experimental"], "false");
    assert.equal(headers["swarm"], "inactive");
    assert.match(headers["cache-control"] ?? "", /no-cache, no-store, must-revalidate/);
    assert.equal(headers["pragma"], "no-cache");
    await api.ask(200, "GET", "/_ping");
    const head = await api.ask<string>(200, "HEAD", "/_ping");
    assert.equal(head, "");
    assert.equal((await api.ask(200, "GET", "/version"))["ApiVersion"], "1.51");
    const info = await api.ask(200, "GET", "/info");
    assert.equal(info["OSType"], "linux");
  });

  it("events: each line in the API's shape", async () => {
    const until = String(Math.ceil(Date.now() / 1000));
    const answer = await api.engine.get(`/v1.${api.minor}/events?since=1&until=${until}`);
    const lines = answer.text.trim().split("\n");
    assert.ok(lines.length > 20);
    for (const line of lines) api.check("GET", "/events", { ...answer, text: line });
    await api.ask(400, "GET", "/events", { since: "10", until: "5" });
  });

  it("system df counts images, containers, volumes and the build cache", async () => {
    const folder = path.join(api.engine.folder, "context");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nRUN head -c 3000 /dev/zero >/made\n");
    await api.engine.ok("build", "-t", "counted", folder);
    await api.engine.ok(
      "run",
      "--name",
      "counted",
      "-v",
      "counted:/v",
      "counted",
      "sh",
      "-c",
      "echo 12345 >/x; echo 1 >/v/y",
    );
    interface Usage {
      LayersSize: number;
      Images: Body[];
      Containers: Body[];
      Volumes: { Name: string; UsageData: Body }[];
      BuildCache: Body[];
    }
    const usage = await api.ask<Usage>(200, "GET", "/system/df");
    const image = usage.Images.find(({ RepoTags }) => (RepoTags as string[])[0] === "counted:latest");
    assert.equal(image?.["Containers"], 1);
    assert.equal(image?.["Size"], usage.LayersSize);
    assert.equal((image?.["Size"] as number) - (image?.["SharedSize"] as number), 3000);
    assert.equal(usage.Containers[0]?.["SizeRw"], 6);
    assert.deepEqual(usage.Volumes.find(({ Name }) => Name === "counted")?.UsageData, { Size: 2, RefCount: 1 });
    assert.deepEqual(
      usage.BuildCache.map(({ Size, Shared }) => [Size, Shared]),
      [[3000, true]],
    );
    const only = await api.engine.get("/v1.51/system/df?type=volume");
    assert.deepEqual(
      (JSON.parse(only.text) as Usage).Volumes.map(({ Name }) => Name),
      usage.Volumes.map(({ Name }) => Name),
    );
    assert.equal((JSON.parse(only.text) as Usage).Images, null);
    const table = await api.engine.ok("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}");
    assert.match(table, /^Images 2 1 [\d.]+MB\nContainers 1 0 6B\nLocal Volumes \d 1 2B\nBuild Cache 1 0 0B$/);
    await api.engine.ok("system", "df", "-v");
    assert.equal(
      (await api.engine.gantry("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}")).stdout,
      `${table}\n`,
    );
    // before 1.42 everything was counted
    await api.ask(api.minor >= 42 ? 400 : 200, "GET", "/system/df", { type: "nosuch" });
  });

  it("prune by time: nothing that is younger, everything that is older", async () => {
    const young = await api.ask<{ ContainersDeleted: string[] | null }>(200, "POST", "/containers/prune", {
      filters: '{"until":["1h"]}',
    });
    assert.deepEqual(young.ContainersDeleted ?? [], []);
    const old = await api.ask<{ ContainersDeleted: string[]; SpaceReclaimed: number }>(
      200,
      "POST",
      "/containers/prune",
      {
        filters: `{"until":{"${Math.ceil(Date.now() / 1000) + 1}":true}}`,
      },
    );
    assert.equal(old.ContainersDeleted.length, 1);
    assert.equal(old.SpaceReclaimed, 6);
    await api.ask(200, "POST", "/volumes/prune", { filters: '{"all":["true"]}' });
  });
}
