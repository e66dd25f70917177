import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { Volumes } from "../../../../src/engine/volumes/volumes.ts";
import { Call } from "../../../../src/server/call.ts";
import { volumeRoutes } from "../../../../src/server/routes/volumes.ts";
import { namedFolders, volumeDeps } from "../../../support/volume-deps.ts";

function world() {
  const volumes = new Volumes(volumeDeps({ files: namedFolders({ size: async () => 42 }) }));
  const routes = volumeRoutes({ volumes });

  /** Status and body of one request. */
  const ask = async (
    method: string,
    path: string,
    options: { query?: string; body?: object; name?: string; minor?: number } = {},
  ): Promise<[number, unknown]> => {
    let status = 0;
    let text = "";
    const response = {
      writeHead: (code: number) => void (status = code),
      end: (bytes?: Buffer) => void (text = bytes?.toString() ?? ""),
    } as unknown as ServerResponse;
    const request = Object.assign(Readable.from(options.body ? [Buffer.from(JSON.stringify(options.body))] : []), {
      headers: { "content-type": "application/json" },
    }) as unknown as IncomingMessage;
    const call = new Call({
      params: { name: options.name ?? "" },
      query: new URLSearchParams(options.query),
      version: [1, options.minor ?? 51],
      request,
      response,
      signal: new AbortController().signal,
    });
    await routes.find((route) => route.method === method && route.path === path)?.handler(call);
    return [status, text === "" ? undefined : JSON.parse(text)];
  };
  return { ask };
}

const DATA = {
  CreatedAt: "2026-01-01T00:00:00Z",
  Driver: "local",
  Labels: { a: "b" },
  Mountpoint: "/volumes/data/_data",
  Name: "data",
  Options: null,
  Scope: "local",
};

describe("the volume routes", () => {
  it("create, list, inspect and remove in Docker's shapes", async () => {
    const { ask } = world();
    const body = { Name: "data", Labels: { a: "b" } };
    assert.deepEqual(await ask("POST", "/volumes/create", { body }), [201, DATA]);
    assert.deepEqual(await ask("GET", "/volumes"), [200, { Volumes: [DATA], Warnings: null }]);
    const none = `filters=${JSON.stringify({ label: { "a=c": true } })}`;
    assert.deepEqual(await ask("GET", "/volumes", { query: none }), [200, { Volumes: [], Warnings: null }]);
    assert.deepEqual(await ask("GET", "/volumes/:name", { name: "data" }), [200, DATA]);
    assert.deepEqual(await ask("DELETE", "/volumes/:name", { name: "data" }), [204, undefined]);
    await assert.rejects(ask("DELETE", "/volumes/:name", { name: "data" }), { kind: "notFound" });
    assert.deepEqual(await ask("DELETE", "/volumes/:name", { name: "data", query: "force=1" }), [204, undefined]);
  });

  it("create an anonymous volume from an empty body", async () => {
    const { ask } = world();
    const [status, body] = await ask("POST", "/volumes/create");
    assert.equal(status, 201);
    assert.equal((body as { Name: string }).Name, "ab".repeat(32));
  });

  it("prune named volumes too for clients older than 1.42", async () => {
    const { ask } = world();
    await ask("POST", "/volumes/create", { body: { Name: "data" } });
    assert.deepEqual(await ask("POST", "/volumes/prune"), [200, { VolumesDeleted: [], SpaceReclaimed: 0 }]);
    assert.deepEqual(await ask("POST", "/volumes/prune", { minor: 41 }), [
      200,
      { VolumesDeleted: ["data"], SpaceReclaimed: 42 },
    ]);
  });
});
