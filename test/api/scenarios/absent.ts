import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker } from "../../support/api-asker.ts";

/** Answers where Gantry offers nothing, each held against the Swagger file. */
export function absentOperations(api: Asker): void {
  it("paths of a swarm answer as a dockerd in no swarm", async () => {
    const said =
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
    const kinds = ["nodes", "services", "tasks", "secrets", "configs"];
    const calls: [string, string][] = [
      ["GET", "/swarm"],
      ["GET", "/swarm/unlockkey"],
      ["POST", "/swarm/unlock"],
      ["POST", "/swarm/update"],
      ["GET", "/services/{id}/logs"],
      ["GET", "/tasks/{id}/logs"],
      ...kinds.flatMap((kind): [string, string][] => [
        ["GET", `/${kind}`],
        ["GET", `/${kind}/{id}`],
      ]),
      ...["nodes", "services", "secrets", "configs"].flatMap((kind): [string, string][] => [
        ["DELETE", `/${kind}/{id}`],
        ["POST", `/${kind}/{id}/update`],
      ]),
      ...["services", "secrets", "configs"].map((kind): [string, string] => ["POST", `/${kind}/create`]),
    ];
    for (const [method, path] of calls) {
      assert.equal((await api.ask(503, method, path, path.includes("{id}") ? { id: "x" } : {}))["message"], said);
    }
    for (const path of ["/swarm/init", "/swarm/join"]) await api.ask(501, "POST", path, {}, {});
    assert.equal((await api.ask(503, "POST", "/swarm/leave"))["message"], "This node is not part of a swarm");
    const ran = await api.engine.docker("service", "ls");
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /This node is not a swarm manager/);
  });

  it("paths of plugins answer as a dockerd that has none", async () => {
    assert.deepEqual(await api.ask(200, "GET", "/plugins"), []);
    const calls: [string, string][] = [
      ["GET", "/plugins/{name}/json"],
      ["DELETE", "/plugins/{name}"],
      ...["enable", "disable", "upgrade", "push", "set"].map((action): [string, string] => [
        "POST",
        `/plugins/{name}/${action}`,
      ]),
    ];
    for (const [method, path] of calls) {
      const name = "vieux/sshfs:latest";
      assert.equal((await api.ask(404, method, path, { name }))["message"], `plugin "${name}" not found`);
    }
    await api.ask(501, "GET", "/plugins/privileges", { remote: "x" });
    await api.ask(501, "POST", "/plugins/pull", { remote: "x" }, []);
    await api.ask(501, "POST", "/plugins/create", { name: "x" });
  });

  it("BuildKit's session, and volumes of a cluster", async () => {
    assert.equal((await api.ask(400, "POST", "/session"))["message"], "no upgrade proto in request");
    await api.ask(503, "PUT", "/volumes/{name}", { name: "x", version: "1" }, { Spec: {} });
  });
}
