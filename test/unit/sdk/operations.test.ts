import assert from "node:assert/strict";
import { test } from "node:test";
import { Gantry } from "../../../src/sdk/index.ts";
import { json, play } from "../../support/played-engine.ts";
import { ABSENT, Swagger, WITHOUT_SPEC } from "../../support/swagger.ts";

/** Beside swarm, plugins and BuildKit: old or doubled. They go by `gantry.api.transport`. */
const LEFT_OUT = ["GET /containers/{id}/attach/ws", "GET /images/{name}/get", "GET /plugins"];

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

async function* nothing(): AsyncGenerator<Buffer> {}

test("every operation of the API's file has a method", { skip: WITHOUT_SPEC }, async (t) => {
  const { host, seen } = await play(t, (request, response) => {
    request.resume();
    if (request.method === "HEAD") {
      const stat = Buffer.from("{}").toString("base64");
      return void response.writeHead(200, { "X-Docker-Container-Path-Stat": stat }).end();
    }
    if (request.url?.includes("/logs?")) return void response.end();
    const line = { Id: "c", Name: "n", Config: {}, aux: { ID: "sha256:1" }, status: "sha256:1", Running: false };
    if (request.url?.includes("archive")) response.setHeader("X-Docker-Container-Path-Stat", "e30=");
    json(response, 200, line);
  });
  const gantry = new Gantry({ host });
  const { api, containers, images } = gantry;
  const box = await containers.create("i");
  const network = await gantry.networks.create("n");
  const volume = await gantry.volumes.create("v");
  const calls: (() => Promise<unknown>)[] = [
    () => gantry.version(),
    () => gantry.info(),
    () => gantry.diskUsage(),
    () => gantry.login({ username: "u", password: "p" }),
    () => drain(gantry.events()),
    () => containers.list(),
    () => containers.prune(),
    () => box.inspect(),
    () => box.start(),
    () => box.stop(),
    () => box.restart(),
    () => box.kill(),
    () => box.pause(),
    () => box.unpause(),
    () => box.rename("r"),
    () => box.update({ restart: "always" }),
    () => box.remove(),
    () => box.wait(),
    () => drain(box.logs()),
    () => box.stats(),
    () => box.top(),
    () => box.changes(),
    () => box.exec(["true"], { input: "" }),
    () => api.exec.resize("e", 1, 2),
    () => box.attach().then((session) => session[Symbol.dispose]()),
    () => box.resize(1, 2),
    () => box.copyTo("/", { a: "b" }),
    () => box.archive("/a").then(({ tar }) => tar.return(undefined)),
    () => box.stat("/a"),
    () => box.export().then(drain),
    () => box.commit(),
    () => box.checkpoint("p"),
    () => api.containers.listCheckpoints("c"),
    () => box.removeCheckpoint("p"),
    () => images.list(),
    () => images.inspect("i"),
    () => images.history("i"),
    () => images.tag("i", "j"),
    () => images.remove("i"),
    () => images.pull("i").then(),
    () => images.push("i").then(),
    () => images.build({ context: nothing() }).then(),
    () => images.load(nothing()).then(),
    () => images.save("i").then(drain),
    () => images.prune(),
    () => images.pruneBuildCache(),
    () => images.manifest("i"),
    () => images.search("i"),
    () => gantry.networks.list(),
    () => network.inspect(),
    () => network.connect(box),
    () => network.disconnect(box),
    () => network.remove(),
    () => gantry.networks.prune(),
    () => gantry.volumes.list(),
    () => volume.inspect(),
    () => volume.remove(),
    () => gantry.volumes.prune(),
  ];
  for (const call of calls) await call();
  assert.equal(await gantry.ping(), "1.51");
  gantry.close();

  const missing = new Swagger().all.filter((operation) => {
    const [method = "", path = ""] = operation.split(" ");
    if (ABSENT.test(operation) || LEFT_OUT.includes(operation) || path === "/_ping") return false;
    // The checkpoints are not in the file; a name may be any.
    const pattern = new RegExp(`^(${method}|UPGRADE) /v1.51${path.replace(/\{\w+\}/g, "[^/?]+")}(\\?|$)`);
    return !seen.some((one) => pattern.test(method === "POST" ? one : one.replace("UPGRADE", "-")));
  });
  assert.deepEqual(missing, []);
  assert.ok(seen.some((one) => /^DELETE .*\/checkpoints\/p$/.test(one)));
});
