import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { test } from "node:test";
import type { Bootstrap, BootstrapRequest } from "../../../../src/engine/images/bootstrap.ts";
import { Call } from "../../../../src/server/call.ts";
import { bootstrapRoutes } from "../../../../src/server/routes/bootstrap.ts";

/** Runs the route with an engine that only notes what it was asked; gives the lines of the answer. */
async function post(query: string): Promise<{ asked: BootstrapRequest[]; lines: unknown[] }> {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const asked: BootstrapRequest[] = [];
  const bootstrap = {
    run: async (request: BootstrapRequest, onProgress: (event: object) => void) => {
      asked.push(request);
      onProgress({ id: "busybox:latest", status: "Complete" });
      onProgress({ aux: { ID: "sha256:2" } });
    },
  } as unknown as Bootstrap;
  const call = new Call({
    params: {},
    query: new URLSearchParams(query),
    version: [1, 51],
    request: { headers: {} } as IncomingMessage,
    response: Object.assign(out, { writeHead: () => {}, flushHeaders: () => {} }) as unknown as ServerResponse,
    signal: new AbortController().signal,
  });
  await bootstrapRoutes({ bootstrap })[0]?.handler(call);
  return {
    asked,
    lines: text
      .trimEnd()
      .split("\r\n")
      .map((line) => JSON.parse(line) as unknown),
  };
}

test("progress is streamed and ends with the image's id", async () => {
  const { asked, lines } = await post("name=busybox&tag=&mirror=");
  assert.deepEqual(asked, [{ name: "busybox" }]);
  assert.deepEqual(lines, [{ id: "busybox:latest", status: "Complete" }, { aux: { ID: "sha256:2" } }]);
});

test("tag and mirror come from the query, and a name must be there", async () => {
  const { asked } = await post(`name=debian&tag=12&mirror=${encodeURIComponent("http://m/debian")}`);
  assert.deepEqual(asked, [{ name: "debian", tag: "12", mirror: "http://m/debian" }]);
  await assert.rejects(post("tag=12"), { kind: "invalid", code: "BAD_QUERY" });
});
