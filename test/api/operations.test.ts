import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { run, TestEngine } from "../support/engine.ts";
import { archive } from "../support/tar-maker.ts";
import { Swagger, WITHOUT_SPEC } from "../support/swagger.ts";

type Body = Record<string, unknown>;

/** Answers of the engine, each held against the Swagger file of API 1.51. */
describe("the API's operations", { skip: WITHOUT_SPEC }, () => {
  let engine: TestEngine;
  let swagger: Swagger;
  before(async () => {
    engine = await TestEngine.start();
    swagger = new Swagger();
  });
  after(async () => {
    console.log(`API operations held against the Swagger file: ${swagger.covered.size} of ${swagger.all.length}`);
    await engine.end();
  });

  /** `template` with {name} filled from `params`; what is left over of them is the query. */
  async function ask<T = Body>(
    status: number,
    method: string,
    template: string,
    params: Record<string, string> = {},
    body?: object,
  ): Promise<T> {
    const query = new URLSearchParams();
    let target = template;
    for (const [key, value] of Object.entries(params)) {
      if (target.includes(`{${key}}`)) target = target.replace(`{${key}}`, encodeURIComponent(value));
      else query.set(key, value);
    }
    const answer = await engine.get(`/v1.51${target}${query.size > 0 ? `?${query}` : ""}`, method, body);
    assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
    if (status >= 400) {
      const { message, ...own } = JSON.parse(answer.text) as Body;
      assert.equal(typeof message, "string");
      // beside Docker's field an error has Gantry's own, which clients skip
      assert.ok(Object.keys(own).every((key) => ["code", "hint"].includes(key)));
      swagger.check(method, template, status, JSON.stringify({ message }));
      return JSON.parse(answer.text) as T;
    }
    swagger.check(method, template, status, answer.text);
    const json = answer.headers["content-type"]?.startsWith("application/json") && answer.text !== "";
    return (json ? JSON.parse(answer.text.split("\n")[0] as string) : answer.text) as T;
  }

  const create = async (name: string, config: object): Promise<string> =>
    (await ask<{ Id: string }>(201, "POST", "/containers/create", { name }, { Image: "busybox", ...config })).Id;
  const gone = (id: string): Promise<unknown> => ask(204, "DELETE", "/containers/{id}", { id, force: "1", v: "1" });

  it("ping, version, info, system df", async () => {
    const ping = await engine.get("/_ping");
    assert.equal(ping.text, "OK");
    const { headers } = ping;
    assert.equal(headers["api-version"], "1.51");
    assert.equal(headers["ostype"], "linux");
    assert.equal(headers["builder-version"], "1");
    assert.equal(headers["docker-experimental"], "false");
    assert.equal(headers["swarm"], "inactive");
    assert.match(headers["cache-control"] ?? "", /no-cache, no-store, must-revalidate/);
    assert.equal(headers["pragma"], "no-cache");
    await ask(200, "GET", "/_ping");
    const head = await ask<string>(200, "HEAD", "/_ping");
    assert.equal(head, "");
    assert.equal((await ask(200, "GET", "/version"))["ApiVersion"], "1.51");
    const info = await ask(200, "GET", "/info");
    assert.equal(info["OSType"], "linux");
    await ask(200, "GET", "/plugins");
  });

  it("a container from create to remove", async () => {
    await ask(404, "POST", "/containers/create", { name: "none" }, { Image: "nosuch" });
    await ask(400, "POST", "/containers/create", { name: "bad name" }, { Image: "busybox" });
    const id = await create("life", {
      Cmd: ["sh", "-c", "echo out; echo err >&2; sleep 100"],
      Labels: { tier: "web" },
      ExposedPorts: { "80/tcp": {} },
      Healthcheck: { Test: ["CMD", "true"], Interval: 10_000_000_000 },
      HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "0" }] }, Memory: 64 << 20, Binds: ["api-data:/data"] },
    });
    await ask(409, "POST", "/containers/create", { name: "life" }, { Image: "busybox" });
    await ask(409, "POST", "/containers/{id}/kill", { id });
    await ask(304, "POST", "/containers/{id}/stop", { id });
    await ask(200, "GET", "/containers/{id}/json", { id, size: "1" });
    await ask(204, "POST", "/containers/{id}/start", { id });
    await ask(304, "POST", "/containers/{id}/start", { id });
    const inspect = await ask<{ State: Body; Config: Body }>(200, "GET", "/containers/{id}/json", { id });
    assert.equal(inspect.State["Running"], true);
    const [row] = await ask<Body[]>(200, "GET", "/containers/json", { size: "1", filters: '{"label":["tier=web"]}' });
    assert.equal(row?.["Id"], id);
    assert.ok(Array.isArray(row?.["Ports"]) && row["Ports"].length > 0);
    await ask(400, "GET", "/containers/json", { filters: '{"nosuch":["1"]}' });
    await ask(200, "GET", "/containers/{id}/top", { id });
    await ask(200, "GET", "/containers/{id}/changes", { id });
    await ask(200, "GET", "/containers/{id}/logs", { id, stdout: "1", stderr: "1" });
    await ask(400, "POST", "/containers/{id}/attach", { id: "life", detachKeys: "ctrl-ä" });
    await ask(204, "POST", "/containers/{id}/pause", { id });
    await ask(409, "POST", "/containers/{id}/pause", { id });
    await ask(204, "POST", "/containers/{id}/unpause", { id });
    await ask(204, "POST", "/containers/{id}/rename", { id, name: "afterlife" });
    await ask(409, "DELETE", "/containers/{id}", { id });
    await ask(204, "POST", "/containers/{id}/restart", { id, t: "0" });
    const wait = ask(200, "POST", "/containers/{id}/wait", { id });
    await ask(204, "POST", "/containers/{id}/kill", { id });
    assert.equal((await wait)["StatusCode"], 137);
    await ask(200, "GET", "/containers/{id}/json", { id });
    await ask(400, "POST", "/containers/{id}/wait", { id, condition: "bored" });
    await ask(204, "DELETE", "/containers/{id}", { id, v: "1" });
    await ask(200, "POST", "/containers/prune");
  });

  it("404 for a container that is not there, in Docker's words", async () => {
    const id = "nosuch";
    const calls: [string, string][] = [
      ["GET", "json"],
      ["GET", "top"],
      ["GET", "logs"],
      ["GET", "changes"],
      ["POST", "start"],
      ["POST", "stop"],
      ["POST", "restart"],
      ["POST", "kill"],
      ["POST", "pause"],
      ["POST", "unpause"],
      ["POST", "attach"],
      ["POST", "wait"],
      ["POST", "exec"],
    ];
    for (const [method, action] of calls) {
      const query: Record<string, string> = action === "logs" ? { stdout: "1" } : {};
      const body = action === "exec" ? { Cmd: ["true"] } : undefined;
      const answer = await ask(404, method, `/containers/{id}/${action}`, { id, ...query }, body);
      assert.equal(answer["message"], "No such container: nosuch");
    }
    await ask(404, "POST", "/containers/{id}/rename", { id, name: "other" });
    await ask(404, "DELETE", "/containers/{id}", { id });
  });

  it("exec", async () => {
    const id = await create("host", { Cmd: ["sleep", "100"] });
    await ask(409, "POST", "/containers/{id}/exec", { id }, { Cmd: ["true"] });
    await ask(204, "POST", "/containers/{id}/start", { id });
    const made = await ask<{ Id: string }>(
      201,
      "POST",
      "/containers/{id}/exec",
      { id },
      { Cmd: ["sh", "-c", "exit 3"] },
    );
    await ask(200, "GET", "/exec/{id}/json", { id: made.Id });
    await ask(200, "POST", "/exec/{id}/start", { id: made.Id }, { Detach: true });
    await ask(409, "POST", "/exec/{id}/start", { id: made.Id }, { Detach: true });
    await ask(404, "GET", "/exec/{id}/json", { id: "nosuch" });
    await ask(404, "POST", "/exec/{id}/start", { id: "nosuch" }, { Detach: true });
    await ask(404, "POST", "/exec/{id}/resize", { id: "nosuch", h: "1", w: "1" });
    const tty = await create("tty", { Cmd: ["sleep", "100"], Tty: true });
    await ask(204, "POST", "/containers/{id}/start", { id: tty });
    await ask(200, "POST", "/containers/{id}/resize", { id: tty, h: "30", w: "100" });
    await ask(404, "POST", "/containers/{id}/resize", { id: "nosuch", h: "30", w: "100" });
    await gone(tty);
    await gone(id);
  });

  it("images", async () => {
    const [row] = await ask<Body[]>(200, "GET", "/images/json", { "shared-size": "1" });
    assert.deepEqual(row?.["RepoTags"], ["busybox:latest"]);
    await ask(200, "GET", "/images/{name}/json", { name: "busybox" });
    await ask(404, "GET", "/images/{name}/json", { name: "nosuch" });
    await ask(200, "GET", "/images/{name}/history", { name: "busybox" });
    await ask(404, "GET", "/images/{name}/history", { name: "nosuch" });
    await ask(201, "POST", "/images/{name}/tag", { name: "busybox", repo: "example.com/team/tool", tag: "v1" });
    await ask(400, "POST", "/images/{name}/tag", { name: "busybox", repo: "BAD" });
    await ask(404, "POST", "/images/{name}/tag", { name: "nosuch", repo: "x" });
    await ask(200, "GET", "/images/{name}/json", { name: "example.com/team/tool:v1" });
    await ask(200, "GET", "/images/get", { names: "busybox" });
    await ask(200, "GET", "/images/{name}/get", { name: "busybox" });
    const saved = await run("docker", ["save", "busybox"], { env: engine.env });
    await ask(200, "POST", "/images/load", {}, Buffer.from(saved.stdout, "latin1"));
    const tar = archive({ name: "hello", content: "imported\n" });
    await ask(200, "POST", "/images/create", { fromSrc: "-", repo: "imported" }, tar);
    const context = archive({ name: "Dockerfile", content: "FROM imported\nLABEL a=1\n" });
    await ask(200, "POST", "/build", { t: "labelled" }, context);
    await ask(400, "POST", "/build", { t: "BAD" }, context);
    await ask(200, "GET", "/images/{name}/json", { name: "labelled" });
    await ask(200, "GET", "/images/{name}/history", { name: "labelled" });
    await ask(200, "DELETE", "/images/{name}", { name: "labelled" });
    await ask(200, "DELETE", "/images/{name}", { name: "imported" });
    const removed = await ask<Body[]>(200, "DELETE", "/images/{name}", { name: "example.com/team/tool:v1" });
    assert.deepEqual(removed, [{ Untagged: "example.com/team/tool:v1" }]);
    await ask(404, "DELETE", "/images/{name}", { name: "nosuch" });
    const id = await create("user", { Cmd: ["true"] });
    await ask(409, "DELETE", "/images/{name}", { name: "busybox" });
    await gone(id);
    await ask(200, "POST", "/images/prune");
    await ask(200, "POST", "/build/prune");
  });

  it("networks", async () => {
    const made = await ask<{ Id: string }>(201, "POST", "/networks/create", {}, { Name: "apinet", Labels: { a: "1" } });
    await ask(409, "POST", "/networks/create", {}, { Name: "apinet" });
    const list = await ask<Body[]>(200, "GET", "/networks");
    assert.deepEqual(list.map(({ Name }) => Name).toSorted(), ["apinet", "bridge", "host", "none"]);
    await ask(200, "GET", "/networks/{id}", { id: made.Id });
    await ask(404, "GET", "/networks/{id}", { id: "nosuch" });
    const id = await create("netted", { Cmd: ["sleep", "100"] });
    await ask(204, "POST", "/containers/{id}/start", { id });
    await ask(200, "POST", "/networks/{id}/connect", { id: "apinet" }, { Container: "netted" });
    await ask(200, "GET", "/networks/{id}", { id: "apinet" });
    await ask(200, "GET", "/containers/{id}/json", { id });
    await ask(403, "DELETE", "/networks/{id}", { id: "apinet" });
    await ask(200, "POST", "/networks/{id}/disconnect", { id: "apinet" }, { Container: "netted" });
    await ask(404, "POST", "/networks/{id}/connect", { id: "nosuch" }, { Container: "netted" });
    await ask(404, "POST", "/networks/{id}/disconnect", { id: "nosuch" }, { Container: "netted" });
    await gone(id);
    await ask(403, "DELETE", "/networks/{id}", { id: "bridge" });
    await ask(204, "DELETE", "/networks/{id}", { id: "apinet" });
    await ask(404, "DELETE", "/networks/{id}", { id: "apinet" });
    await ask(200, "POST", "/networks/prune");
  });

  it("volumes", async () => {
    await ask(201, "POST", "/volumes/create", {}, { Name: "apivol", Labels: { a: "1" } });
    await ask(200, "GET", "/volumes");
    await ask(200, "GET", "/volumes/{name}", { name: "apivol" });
    await ask(404, "GET", "/volumes/{name}", { name: "nosuch" });
    const id = await create("holder", { Cmd: ["true"], HostConfig: { Binds: ["apivol:/v"] } });
    await ask(409, "DELETE", "/volumes/{name}", { name: "apivol" });
    await gone(id);
    await ask(204, "DELETE", "/volumes/{name}", { name: "apivol" });
    await ask(404, "DELETE", "/volumes/{name}", { name: "apivol" });
    await ask(200, "POST", "/volumes/prune");
  });

  it("events: each line in the API's shape", async () => {
    const until = String(Math.ceil(Date.now() / 1000));
    const answer = await engine.get(`/v1.51/events?since=1&until=${until}`);
    const lines = answer.text.trim().split("\n");
    assert.ok(lines.length > 20);
    for (const line of lines) {
      const { status, id, from, ...event } = JSON.parse(line) as Body;
      // these three are older than the file; Docker's events still carry them
      void [status, id, from];
      swagger.check("GET", "/events", 200, JSON.stringify(event));
    }
    await ask(400, "GET", "/events", { since: "10", until: "5" });
  });

  it("system df counts images, containers, volumes and the build cache", async () => {
    const folder = path.join(engine.folder, "context");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nRUN head -c 3000 /dev/zero >/made\n");
    await engine.ok("build", "-t", "counted", folder);
    await engine.ok(
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
    const usage = await ask<Usage>(200, "GET", "/system/df");
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
    const only = await ask<Usage>(200, "GET", "/system/df", { type: "volume" });
    assert.equal(only.Volumes.length, 2);
    assert.equal(only.Images, null);
    const table = await engine.ok("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}");
    assert.match(table, /^Images 2 1 [\d.]+MB\nContainers 1 0 6B\nLocal Volumes 2 1 2B\nBuild Cache 1 0 0B$/);
    await engine.ok("system", "df", "-v");
    assert.equal(
      (await engine.gantry("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}")).stdout,
      `${table}\n`,
    );
    await ask(400, "GET", "/system/df", { type: "nosuch" });
  });

  it("prune by time: nothing that is younger, everything that is older", async () => {
    const young = await ask<{ ContainersDeleted: string[] | null }>(200, "POST", "/containers/prune", {
      filters: '{"until":["1h"]}',
    });
    assert.deepEqual(young.ContainersDeleted ?? [], []);
    const old = await ask<{ ContainersDeleted: string[]; SpaceReclaimed: number }>(200, "POST", "/containers/prune", {
      filters: `{"until":{"${Math.ceil(Date.now() / 1000) + 1}":true}}`,
    });
    assert.equal(old.ContainersDeleted.length, 1);
    assert.equal(old.SpaceReclaimed, 6);
    await ask(200, "POST", "/volumes/prune", { filters: '{"all":["true"]}' });
  });

  it("paths of a swarm answer as a dockerd in no swarm", async () => {
    const said =
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
    for (const path of ["/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs"]) {
      assert.equal((await ask(503, "GET", path))["message"], said);
    }
    for (const path of ["/nodes/{id}", "/services/{id}", "/tasks/{id}", "/secrets/{id}", "/configs/{id}"]) {
      assert.equal((await ask(503, "GET", path, { id: "x" }))["message"], said);
    }
    assert.equal((await ask(503, "POST", "/swarm/leave"))["message"], "This node is not part of a swarm");
    const ran = await engine.docker("service", "ls");
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /This node is not a swarm manager/);
  });
});
