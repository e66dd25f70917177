import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";

/** Answers about containers and what runs in them, each held against the Swagger file. */
export function containerOperations(api: Asker): void {
  it("a container from create to remove", async () => {
    await api.ask(404, "POST", "/containers/create", { name: "none" }, { Image: "nosuch" });
    await api.ask(400, "POST", "/containers/create", { name: "bad name" }, { Image: "busybox" });
    const id = await api.create("life", {
      Cmd: ["sh", "-c", "echo out; echo err >&2; sleep 100"],
      Labels: { tier: "web" },
      ExposedPorts: { "80/tcp": {} },
      Healthcheck: { Test: ["CMD", "true"], Interval: 10_000_000_000 },
      HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "0" }] }, Memory: 64 << 20, Binds: ["api-data:/data"] },
    });
    await api.ask(409, "POST", "/containers/create", { name: "life" }, { Image: "busybox" });
    await api.ask(409, "POST", "/containers/{id}/kill", { id });
    await api.ask(304, "POST", "/containers/{id}/stop", { id });
    await api.ask(200, "GET", "/containers/{id}/json", { id, size: "1" });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    await api.ask(304, "POST", "/containers/{id}/start", { id });
    const inspect = await api.ask<{ State: Body; Config: Body }>(200, "GET", "/containers/{id}/json", { id });
    assert.equal(inspect.State["Running"], true);
    const [row] = await api.ask<Body[]>(200, "GET", "/containers/json", {
      size: "1",
      filters: '{"label":["tier=web"]}',
    });
    assert.equal(row?.["Id"], id);
    assert.ok(Array.isArray(row?.["Ports"]) && row["Ports"].length > 0);
    await api.ask(400, "GET", "/containers/json", { filters: '{"nosuch":["1"]}' });
    await api.ask(200, "GET", "/containers/{id}/top", { id });
    await api.ask(200, "GET", "/containers/{id}/changes", { id });
    await api.ask(200, "GET", "/containers/{id}/logs", { id, stdout: "1", stderr: "1" });
    await api.ask(400, "POST", "/containers/{id}/attach", { id: "life", detachKeys: "ctrl-ä" });
    await api.ask(204, "POST", "/containers/{id}/pause", { id });
    await api.ask(409, "POST", "/containers/{id}/pause", { id });
    await api.ask(204, "POST", "/containers/{id}/unpause", { id });
    await api.ask(204, "POST", "/containers/{id}/rename", { id, name: "afterlife" });
    await api.ask(409, "DELETE", "/containers/{id}", { id });
    await api.ask(204, "POST", "/containers/{id}/restart", { id, t: "0" });
    const wait = api.ask(200, "POST", "/containers/{id}/wait", { id });
    await api.ask(204, "POST", "/containers/{id}/kill", { id });
    assert.equal((await wait)["StatusCode"], 137);
    await api.ask(200, "GET", "/containers/{id}/json", { id });
    // before 1.30 there were no conditions
    const bored = api.minor >= 30 ? 400 : 200;
    await api.ask(bored, "POST", "/containers/{id}/wait", { id, condition: "bored" });
    await api.ask(204, "DELETE", "/containers/{id}", { id, v: "1" });
    await api.ask(200, "POST", "/containers/prune");
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
      const answer = await api.ask(404, method, `/containers/{id}/${action}`, { id, ...query }, body);
      const head = action === "kill" ? "cannot kill container: nosuch: " : "";
      assert.equal(answer["message"], `${head}No such container: nosuch`);
    }
    await api.ask(404, "POST", "/containers/{id}/rename", { id, name: "other" });
    await api.ask(404, "DELETE", "/containers/{id}", { id });
  });
}
