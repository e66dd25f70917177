import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker } from "../../support/api-asker.ts";
import { archive } from "../../support/tar-maker.ts";

/** Containers' files from outside. */
export function fileOperations(api: Asker): void {
  it("archive, export and commit", async () => {
    const id = await api.create("filed", { Cmd: ["true"] });
    const at = { id, path: "/tmp/note" };
    await api.ask(404, "HEAD", "/containers/{id}/archive", at);
    await api.ask(
      200,
      "PUT",
      "/containers/{id}/archive",
      { id, path: "/tmp" },
      archive({ name: "note", content: "hi\n" }),
    );
    await api.ask(200, "HEAD", "/containers/{id}/archive", at);
    const head = await api.engine.get(`/v1.${api.minor}/containers/filed/archive?path=/tmp/note`, "HEAD");
    const stat = Buffer.from(String(head.headers["x-docker-container-path-stat"]), "base64").toString();
    assert.equal((JSON.parse(stat) as { size: number }).size, 3);
    assert.match(await api.ask<string>(200, "GET", "/containers/{id}/archive", at), /note/);
    await api.ask(404, "GET", "/containers/{id}/archive", { id, path: "/nosuch" });
    await api.ask(400, "GET", "/containers/{id}/archive", { id });
    await api.ask(404, "PUT", "/containers/{id}/archive", { id, path: "/nosuch" }, archive({ name: "a", content: "" }));
    assert.match(await api.ask<string>(200, "GET", "/containers/{id}/export", { id }), /tmp\/note/);
    await api.ask(404, "GET", "/containers/{id}/export", { id: "nosuch" });
    const made = await api.ask<{ Id: string }>(201, "POST", "/commit", { container: "filed", repo: "noted" }, {});
    await api.ask(200, "GET", "/images/{name}/json", { name: made.Id });
    await api.ask(404, "POST", "/commit", { container: "nosuch" }, {});
    await api.ask(200, "DELETE", "/images/{name}", { name: "noted" });
    await api.gone(id);
  });
}
