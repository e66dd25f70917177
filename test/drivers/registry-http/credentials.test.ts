import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { systemClock } from "./clock.ts";
import { digestOf, honestImage, type Liar, serveImage, startLiar } from "./lying-registry.ts";

describe("credentials for a registry", () => {
  const open: Liar[] = [];
  const client = new HttpRegistry({ clock: systemClock, idleTimeoutMs: 1000 });
  afterEach(async () => {
    client.close();
    for (const server of open.splice(0)) await server.stop();
  });
  const start = async (answer: Parameters<typeof startLiar>[0]): Promise<Liar> => {
    const liar = await startLiar(answer);
    open.push(liar);
    return liar;
  };
  const auth = { username: "me", password: "secret" };
  const image = honestImage(1000);
  const basicNeeded = (authorization: string | undefined, response: ServerResponse): boolean => {
    if (authorization !== undefined) return false;
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
    return true;
  };

  it("are not sent along when it redirects to another host, but along on its own", async () => {
    const storage = await start((_request, response) => void response.end(image.layer));
    const liar = await start((request, response) => {
      if (basicNeeded(request.headers.authorization, response)) return;
      if (request.url?.includes("/blobs/")) response.writeHead(307, { Location: "/moved" }).end();
      if (request.url === "/moved") response.writeHead(302, { Location: `http://${storage.host}/stored` }).end();
    });
    const { body } = await client.getBlob({ registry: liar.host, repository: "x" }, digestOf(image.layer), { auth });
    for await (const _ of body);
    assert.ok(liar.seen.find((one) => one.url === "/moved")?.authorization?.startsWith("Basic "));
    assert.deepEqual(
      storage.seen.map((one) => [one.url, one.authorization]),
      [["/stored", undefined]],
    );
  });

  it("are not sent to an upload address on another host", async () => {
    const thief = await start((_request, response) => void response.writeHead(201).end());
    const liar = await start((request, response) => {
      if (basicNeeded(request.headers.authorization, response)) return;
      if (request.method === "POST") response.writeHead(202, { Location: `http://${thief.host}/upload` }).end();
    });
    const { Readable } = await import("node:stream");
    await client.putBlob(
      { registry: liar.host, repository: "x" },
      digestOf(image.layer),
      image.layer.length,
      () => Readable.from([image.layer]),
      { auth },
    );
    assert.deepEqual(
      thief.seen.map((one) => one.authorization),
      [undefined],
    );
  });

  it("go to its token service on the same host, once for each scope", async () => {
    const serve = serveImage(image);
    const liar = await start((request, response) => {
      if (request.url?.startsWith("/token")) {
        response.end(JSON.stringify({ token: "ticket", expires_in: 300 }));
        return;
      }
      if (request.headers.authorization === "Bearer ticket") return serve(request, response);
      const realm = `http://${request.headers.host}/token`;
      response.writeHead(401, { "WWW-Authenticate": `Bearer realm="${realm}",service="s",scope="wrong"` }).end();
    });
    const repo = { registry: liar.host, repository: "x" };
    await client.getManifest(repo, "y", { auth });
    await client.getManifest(repo, "z", { auth });
    const tokens = liar.seen.filter((one) => one.url.startsWith("/token"));
    assert.equal(tokens.length, 1);
    assert.equal(tokens[0]!.authorization, `Basic ${Buffer.from("me:secret").toString("base64")}`);
    assert.equal(tokens[0]!.url, "/token?service=s&scope=repository%3Ax%3Apull&account=me");
    await client.getManifest(repo, "y", {});
    assert.equal(
      liar.seen.filter((one) => one.url.startsWith("/token")).at(-1)!.authorization,
      undefined,
      "others get a token of their own",
    );
  });

  it("don't go to a token service on a foreign host", async () => {
    const foreign = await start((_request, response) => void response.end(JSON.stringify({ token: "ticket" })));
    const liar = await start((_request, response) => {
      const realm = `http://${foreign.host.replace("127.0.0.1", "localhost")}/token`;
      response
        .writeHead(401, { "WWW-Authenticate": `Bearer realm="${realm}"` })
        .end('{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}');
    });
    await assert.rejects(client.getManifest({ registry: liar.host, repository: "x" }, "y", { auth }), {
      message: `pull access denied for ${liar.host}/x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    });
    assert.ok(foreign.seen.length > 0);
    for (const one of foreign.seen) assert.equal(one.authorization, undefined);
  });

  it("end in a clear error when it redirects forever", async () => {
    const liar = await start((request, response) => {
      if (request.url !== "/v2/") response.writeHead(307, { Location: "/again" }).end();
    });
    await assert.rejects(
      client.getManifest({ registry: liar.host, repository: "x" }, "y", {}),
      /stopped after 5 redirects/,
    );
  });
});
