import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";
import { startLiar } from "../../drivers/registry-http/lying-registry.ts";
import { run } from "../../support/engine.ts";
import { archive } from "../../support/tar-maker.ts";

/** Answers about images, each held against the Swagger file. */
export function imageOperations(api: Asker): void {
  it("images", async () => {
    const [row] = await api.ask<Body[]>(200, "GET", "/images/json", { "shared-size": "1" });
    assert.deepEqual(row?.["RepoTags"], ["busybox:latest"]);
    await api.ask(200, "GET", "/images/{name}/json", { name: "busybox" });
    await api.ask(404, "GET", "/images/{name}/json", { name: "nosuch" });
    await api.ask(200, "GET", "/images/{name}/history", { name: "busybox" });
    await api.ask(404, "GET", "/images/{name}/history", { name: "nosuch" });
    await api.ask(201, "POST", "/images/{name}/tag", { name: "busybox", repo: "example.com/team/tool", tag: "v1" });
    await api.ask(400, "POST", "/images/{name}/tag", { name: "busybox", repo: "BAD" });
    await api.ask(404, "POST", "/images/{name}/tag", { name: "nosuch", repo: "x" });
    await api.ask(200, "GET", "/images/{name}/json", { name: "example.com/team/tool:v1" });
    await api.ask(200, "GET", "/images/get", { names: "busybox" });
    await api.ask(200, "GET", "/images/{name}/get", { name: "busybox" });
    const saved = await run("docker", ["save", "busybox"], { env: api.engine.env });
    await api.ask(200, "POST", "/images/load", {}, Buffer.from(saved.stdout, "latin1"));
    const tar = archive({ name: "hello", content: "imported\n" });
    await api.ask(200, "POST", "/images/create", { fromSrc: "-", repo: "imported" }, tar);
    const context = archive({ name: "Dockerfile", content: "FROM imported\nLABEL a=1\n" });
    await api.ask(200, "POST", "/build", { t: "labelled" }, context);
    await api.ask(400, "POST", "/build", { t: "BAD" }, context);
    await api.ask(200, "GET", "/images/{name}/json", { name: "labelled" });
    await api.ask(200, "GET", "/images/{name}/history", { name: "labelled" });
    await api.ask(200, "DELETE", "/images/{name}", { name: "labelled" });
    await api.ask(200, "DELETE", "/images/{name}", { name: "imported" });
    const removed = await api.ask<Body[]>(200, "DELETE", "/images/{name}", { name: "example.com/team/tool:v1" });
    assert.deepEqual(removed, [{ Untagged: "example.com/team/tool:v1" }]);
    await api.ask(404, "DELETE", "/images/{name}", { name: "nosuch" });
    const id = await api.create("user", { Cmd: ["true"] });
    await api.ask(409, "DELETE", "/images/{name}", { name: "busybox" });
    await api.gone(id);
    await api.ask(200, "POST", "/images/prune");
    await api.ask(200, "POST", "/build/prune");
    const found = { name: "words", description: "some", star_count: 1, is_official: false };
    const index = await startLiar((request, response) => {
      if (request.url?.startsWith("/v1/search")) response.end(JSON.stringify({ results: [found] }));
    });
    await api.ask(200, "GET", "/images/search", { term: `${index.host}/x` }).finally(() => index.stop());
  });
}
