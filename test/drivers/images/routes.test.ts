import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { GantryError } from "../../../src/base/errors.ts";
import { systemClock } from "../registry-http/clock.ts";
import { HttpDownloads } from "../../../src/drivers/build-files/downloads.ts";
import { Images } from "../../../src/engine/images/images.ts";
import type { RegistryAuth, RemoteRegistry } from "../../../src/ports/remote-registry.ts";
import { imageRoutes } from "../../../src/server/routes/images.ts";
import { ApiServer } from "../../../src/server/server.ts";
import { quiet, tarOf, type World, world } from "../../unit/engine/images/fakes.ts";

interface Answer {
  status: number;
  type: string | undefined;
  text: string;
}

describe("the image routes", () => {
  const asked: { reference: string; auth: RegistryAuth | undefined }[] = [];
  const registry = {
    async getManifest(_repo: unknown, reference: string, { auth }: { auth?: RegistryAuth }) {
      asked.push({ reference, auth });
      throw new GantryError("notFound", "MANIFEST_UNKNOWN", "manifest unknown");
    },
    async login(auth: RegistryAuth) {
      if (auth.password !== "secret") throw new GantryError("unauthorized", "REGISTRY_DENIED", "no");
      return { status: "Login Succeeded" };
    },
    async search(registry: string, words: string, limit: number) {
      return ["a", "b"].map((name, at) => ({
        name,
        description: `${registry} ${words} ${limit}`,
        stars: at,
        official: at > 0,
      }));
    },
  } as unknown as RemoteRegistry;
  let deps: World;
  let images: Images;
  let server: http.Server;
  before(async () => {
    deps = world(registry);
    images = new Images(deps);
    const layer = await deps.layers.addFromTar(undefined, Readable.from([tarOf({ f: "x" })]));
    await images.add(
      { os: "linux", architecture: "amd64", config: { Cmd: ["sh"], Hostname: "old" } },
      [layer.chainId],
      ["localhost:5000/team/app:1"],
    );
    server = new ApiServer({
      routes: imageRoutes({ images, downloads: new HttpDownloads(), clock: systemClock }),
      logger: quiet,
      engineVersion: "test",
      experimental: false,
    }).create();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  function ask(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const request = http.request({ host: "127.0.0.1", port, method, path, headers: options.headers }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += String(chunk)));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"], text }),
        );
      });
      request.on("error", reject);
      request.end(options.body);
    });
  }
  const json = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse((await ask("GET", path)).text) as Record<string, unknown>;

  it("take names with slashes, written out or percent-encoded", async () => {
    for (const name of ["localhost:5000/team/app:1", encodeURIComponent("localhost:5000/team/app:1")]) {
      assert.deepEqual((await json(`/images/${name}/json`))["RepoTags"], ["localhost:5000/team/app:1"]);
      assert.equal((await ask("GET", `/v1.51/images/${name}/history`)).status, 200);
      assert.equal((await ask("POST", `/images/${name}/tag?repo=copy&tag=2`)).status, 201);
      assert.deepEqual(JSON.parse((await ask("DELETE", "/images/copy:2")).text), [{ Untagged: "copy:2" }]);
    }
    assert.equal((await ask("GET", "/images/app/nothing")).status, 404);
  });

  it("answer in the shape of the client's version", async () => {
    const path = "/images/localhost:5000/team/app:1/json";
    const now = await json(`/v1.51${path}`);
    const old = await json(`/v1.43${path}`);
    assert.deepEqual(now["Config"], { Cmd: ["sh"] });
    assert.deepEqual([now["VirtualSize"], old["VirtualSize"]], [undefined, old["Size"]]);
    assert.equal((old["Config"] as { Hostname: string }).Hostname, "");
    await deps.layers.addFromTar(undefined, Readable.from([tarOf({ g: "x" })]));
    const untagged = await images.add({ os: "linux", architecture: "arm64" }, [], []);
    const rows = async (version: string): Promise<unknown> =>
      (JSON.parse((await ask("GET", `/v${version}/images/json`)).text) as { Id: string; RepoTags: unknown }[]).find(
        (row) => row.Id === untagged.id,
      )?.RepoTags;
    assert.deepEqual([await rows("1.51"), await rows("1.42")], [[], ["<none>:<none>"]]);
    await images.remove(untagged.id);
  });

  it("use Docker's status codes", async () => {
    const status = async (method: string, path: string, body?: string): Promise<[number, string]> => {
      const { status, text } = await ask(method, path, {
        ...(body ? { body, headers: { "Content-Type": "application/json" } } : {}),
      });
      return [status, (JSON.parse(text) as { message: string }).message];
    };
    assert.deepEqual(await status("GET", "/images/none/json"), [404, "No such image: none:latest"]);
    assert.deepEqual(await status("DELETE", "/images/none"), [404, "No such image: none:latest"]);
    assert.deepEqual(await status("POST", "/images/create?fromImage=none&tag=1"), [404, "manifest unknown"]);
    assert.deepEqual(await status("POST", "/images/create?fromImage=UPPER&tag=1"), [
      400,
      "invalid reference format: repository name (library/UPPER) must be lowercase",
    ]);
    assert.equal((await status("POST", "/images/create"))[0], 400);
    assert.equal((await status("POST", "/images/localhost:5000/team/app:1/tag?repo=a:b:c"))[0], 400);
    assert.equal((await status("GET", "/images/json?filters={%22x%22:[%22y%22]}"))[0], 400);
    assert.equal((await status("GET", "/images/get?names=none"))[0], 404);
    assert.equal((await status("GET", "/images/search?term=x&limit=101"))[0], 400);
    assert.equal((await status("GET", "/images/search?term=x&filters={%22x%22:[%22y%22]}"))[0], 400);
    assert.equal((await status("GET", "/images/search?term=x&filters={%22stars%22:[%22y%22]}"))[0], 400);
    assert.equal((await status("GET", "/images/search?term=https://x/y"))[0], 400);
    assert.equal((await status("POST", "/auth", '{"username":"a","password":"b"}'))[0], 401);
    const login = await ask("POST", "/auth", {
      body: '{"username":"a","password":"secret"}',
      headers: { "Content-Type": "application/json" },
    });
    assert.deepEqual(JSON.parse(login.text), { Status: "Login Succeeded", IdentityToken: "" });
  });

  it("hand the client's credentials on, and refuse what is none", async () => {
    const header = Buffer.from(JSON.stringify({ username: "üser", password: "p?>", extra: 1 })).toString("base64url");
    await ask("POST", "/images/create?fromImage=localhost:5000/x&tag=sha256:" + "0".repeat(64), {
      headers: { "X-Registry-Auth": header },
    });
    assert.deepEqual(asked.at(-1), {
      reference: `sha256:${"0".repeat(64)}`,
      auth: { username: "üser", password: "p?>" },
    });
    await ask("POST", "/images/create?fromImage=x&tag=1", { headers: { "X-Registry-Auth": "e30=" } });
    assert.equal(asked.at(-1)?.auth, undefined);
    assert.equal(
      (await ask("POST", "/images/create?fromImage=x&tag=1", { headers: { "X-Registry-Auth": "!" } })).status,
      400,
    );
  });

  it("say that a body was cut off", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => {
      const request = http.request({
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/images/load",
        headers: { "Content-Length": 10_000_000 },
      });
      request.on("error", () => resolve());
      request.write(tarOf({ a: Buffer.alloc(300_000) }), () => request.destroy());
    });
    for (let tries = 0; deps.blobs.list().length > 1 && tries < 100; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(deps.blobs.list().length, 1, "only the one image's config");
  });
});
