import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { HttpDownloads } from "../../../src/drivers/build-files/downloads.ts";
import { Images } from "../../../src/engine/images/images.ts";
import { imageRoutes } from "../../../src/server/routes/images.ts";
import { ApiServer } from "../../../src/server/server.ts";
import { quiet, tarOf, type World, world } from "../../unit/engine/images/fakes.ts";
import { systemClock } from "../registry-http/clock.ts";
import { type RealRegistry, startRegistry } from "../registry-http/docker-registry.ts";

interface Output {
  code: number | null;
  out: string;
  err: string;
}

describe("the stock docker CLI and images", () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-images-cli-"));
  const socket = join(folder, "sock");
  const registry = new HttpRegistry({ clock: systemClock, retryPauseMs: 10 });
  let deps: World;
  let images: Images;
  let server: http.Server;
  let real: RealRegistry;

  before(async () => {
    real = await startRegistry({ htpasswd: true });
    deps = world(registry);
    images = new Images(deps);
    const ping = {
      method: "GET",
      path: "/_ping",
      handler: (call: { send(s: number, b: unknown): void }) => call.send(200, "OK"),
    } as const;
    server = new ApiServer({
      routes: [
        ...imageRoutes({ images, downloads: new HttpDownloads(), clock: systemClock }),
        ping,
        { ...ping, method: "HEAD" },
      ],
      logger: quiet,
      engineVersion: "test",
      experimental: false,
    }).create();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    registry.close();
    await real.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function docker(argv: string[], input?: Buffer): Promise<Output> {
    const env = { PATH: process.env["PATH"], DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder, HOME: folder };
    const child = spawn("docker", argv, { env, stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, out: out.trim(), err: err.trim() }));
    });
  }

  it("imports, lists, inspects and shows the history", async () => {
    const made = await docker(["import", "-c", 'CMD ["sh"]', "-m", "by hand", "-", "app:1"], tarOf({ "bin/sh": "sh" }));
    assert.equal(made.err, "");
    assert.match(made.out, /^sha256:[0-9a-f]{64}$/);
    const listed = await docker(["images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}} {{.Digest}}"]);
    assert.equal(listed.out, `app 1 ${made.out} <none>`);
    assert.equal(
      (await docker(["image", "inspect", "-f", "{{.Id}} {{.RepoTags}} {{.Os}} {{.Comment}}", "app:1"])).out,
      `${made.out} [app:1] linux by hand`,
    );
    assert.equal((await docker(["history", "--format", "{{.Comment}}", "app:1"])).out, "by hand");
    const missing = await docker(["image", "inspect", "nothing"]);
    assert.deepEqual([missing.code, missing.err], [1, "Error response from daemon: No such image: nothing:latest"]);
  });

  it("logs in, pushes, removes and pulls again with the same digest", async () => {
    const name = `${real.host}/team/app:1`;
    assert.equal((await docker(["tag", "app:1", name])).code, 0);
    const denied = await docker(["push", name]);
    assert.equal(denied.code, 1);
    assert.match(denied.err, /no basic auth credentials/);
    const wrong = await docker(["login", "-u", "gantry", "--password-stdin", real.host], Buffer.from("bad"));
    assert.match(wrong.err, /failed with status: 401 Unauthorized/);
    const login = await docker(["login", "-u", "gantry", "--password-stdin", real.host], Buffer.from("secret"));
    assert.match(login.out, /Login Succeeded/);
    const pushed = await docker(["push", name]);
    assert.equal(pushed.err, "");
    const digest = /1: digest: (sha256:[0-9a-f]{64}) size: \d+/.exec(pushed.out)?.[1];
    assert.ok(digest, pushed.out);
    const removed = await docker(["rmi", name]);
    assert.deepEqual(removed.out.split("\n"), [`Untagged: ${name}`, `Untagged: ${real.host}/team/app@${digest}`]);
    assert.match((await docker(["rmi", "app:1"])).out, /^Untagged: app:1\nDeleted: sha256:\w+\nDeleted: sha256:\w+$/);
    assert.deepEqual([deps.layers.list(), deps.blobs.list()], [[], []]);
    const pulled = await docker(["pull", name]);
    assert.equal(pulled.err, "");
    assert.match(
      pulled.out,
      new RegExp(
        `1: Pulling from team/app\n[^]*Pull complete\nDigest: ${digest}\nStatus: Downloaded newer image for ${name}\n${name}$`,
      ),
    );
    assert.match((await docker(["pull", "-q", `${real.host}/team/app@${digest}`])).out, new RegExp(`@${digest}$`));
    const missing = await docker(["pull", `${real.host}/team/none:2`]);
    assert.deepEqual(
      [missing.code, missing.err],
      [
        1,
        `Error response from daemon: manifest for ${real.host}/team/none:2 not found: manifest unknown: manifest unknown`,
      ],
    );
  });

  it("saves and loads, and tells a broken archive from a good one", async () => {
    const name = `${real.host}/team/app:1`;
    const file = join(folder, "saved.tar");
    assert.equal((await docker(["tag", name, "saved:1"])).code, 0);
    assert.deepEqual(await docker(["save", "-o", file, name, "saved:1"]), { code: 0, out: "", err: "" });
    assert.equal((await docker(["rmi", "-f", (await docker(["images", "-q", "saved:1"])).out])).code, 0);
    assert.deepEqual([deps.layers.list(), deps.blobs.list()], [[], []]);
    const loaded = await docker(["load", "-q", "-i", file]);
    assert.deepEqual(loaded, { code: 0, out: `Loaded image: ${name}\nLoaded image: saved:1`, err: "" });
    const broken = join(folder, "broken.tar");
    writeFileSync(broken, readFileSync(file).subarray(0, 3000));
    const failed = await docker(["load", "-i", broken]);
    assert.deepEqual([failed.code, failed.err], [1, "Error response from daemon: unexpected EOF"]);
    // More than the socket holds: the answer comes while the client still sends.
    const noise = await docker(["load"], Buffer.alloc(4_000_000, "x"));
    assert.deepEqual([noise.code, noise.err], [1, "Error response from daemon: invalid tar header"]);
    const nothing = await docker(["save", "nothing"]);
    assert.equal(nothing.err, "Error response from daemon: No such image: nothing:latest");
  });

  it("refuses in Docker's words to remove what is in use", async () => {
    const { id } = images.resolve("saved:1");
    deps.users.set(id, [{ id: "c".repeat(64), name: "web", running: true }]);
    const byId = await docker(["rmi", "-f", id.slice(7, 19)]);
    const short = id.slice(7, 19);
    assert.equal(
      byId.err,
      `Error response from daemon: conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    assert.match((await docker(["image", "prune", "-af"])).out, /Total reclaimed space: 0B/);
    deps.users.clear();
    assert.match((await docker(["image", "prune", "-af"])).out, /^Deleted Images:\nuntagged: [^]*deleted: sha256/);
    assert.deepEqual(images.list(), []);
  });
});
