import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";

/** Answers about networks and volumes, each held against the Swagger file. */
export function networkOperations(api: Asker): void {
  it("networks", async () => {
    const made = await api.ask<{ Id: string }>(
      201,
      "POST",
      "/networks/create",
      {},
      { Name: "apinet", Labels: { a: "1" } },
    );
    await api.ask(409, "POST", "/networks/create", {}, { Name: "apinet" });
    const list = await api.ask<Body[]>(200, "GET", "/networks");
    assert.deepEqual(list.map(({ Name }) => Name).toSorted(), ["apinet", "bridge", "host", "none"]);
    await api.ask(200, "GET", "/networks/{id}", { id: made.Id });
    await api.ask(404, "GET", "/networks/{id}", { id: "nosuch" });
    const id = await api.create("netted", { Cmd: ["sleep", "100"] });
    await api.ask(204, "POST", "/containers/{id}/start", { id });
    await api.ask(200, "POST", "/networks/{id}/connect", { id: "apinet" }, { Container: "netted" });
    await api.ask(200, "GET", "/networks/{id}", { id: "apinet" });
    await api.ask(200, "GET", "/containers/{id}/json", { id });
    await api.ask(403, "DELETE", "/networks/{id}", { id: "apinet" });
    await api.ask(200, "POST", "/networks/{id}/disconnect", { id: "apinet" }, { Container: "netted" });
    await api.ask(404, "POST", "/networks/{id}/connect", { id: "nosuch" }, { Container: "netted" });
    await api.ask(404, "POST", "/networks/{id}/disconnect", { id: "nosuch" }, { Container: "netted" });
    await api.gone(id);
    await api.ask(403, "DELETE", "/networks/{id}", { id: "bridge" });
    await api.ask(204, "DELETE", "/networks/{id}", { id: "apinet" });
    await api.ask(404, "DELETE", "/networks/{id}", { id: "apinet" });
    await api.ask(200, "POST", "/networks/prune");
  });

  it("volumes", async () => {
    await api.ask(201, "POST", "/volumes/create", {}, { Name: "apivol", Labels: { a: "1" } });
    await api.ask(200, "GET", "/volumes");
    await api.ask(200, "GET", "/volumes/{name}", { name: "apivol" });
    await api.ask(404, "GET", "/volumes/{name}", { name: "nosuch" });
    const id = await api.create("holder", { Cmd: ["true"], HostConfig: { Binds: ["apivol:/v"] } });
    await api.ask(409, "DELETE", "/volumes/{name}", { name: "apivol" });
    await api.gone(id);
    await api.ask(204, "DELETE", "/volumes/{name}", { name: "apivol" });
    await api.ask(404, "DELETE", "/volumes/{name}", { name: "apivol" });
    await api.ask(200, "POST", "/volumes/prune");
  });
}
