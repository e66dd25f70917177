import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { GitServer } from "../support/git-server.ts";

let engine: TestEngine;
let git: GitServer;
let web: http.Server;
let address: string;
const files = new Map<string, Buffer>();
before(async () => {
  engine = await TestEngine.start();
  git = await GitServer.start(fs.mkdtempSync(path.join(engine.folder, "git-")));
  web = http.createServer((request, response) => {
    const file = files.get(request.url ?? "");
    if (request.url === "/away") response.writeHead(302, { Location: "http://169.254.169.254/x" }).end();
    else response.writeHead(file ? 200 : 404).end(file);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
  fs.mkdirSync(path.join(folder, "docker"));
  fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nCOPY . /got\n");
  fs.writeFileSync(path.join(folder, "docker/Other"), "FROM busybox\nCOPY file /other\n");
  fs.writeFileSync(path.join(folder, "file"), "in the archive");
  fs.writeFileSync(path.join(folder, "left-out"), "");
  fs.writeFileSync(path.join(folder, ".dockerignore"), "left-out\n");
  files.set("/context.tar.gz", execFileSync("tar", ["czf", "-", "-C", folder, "."]));
  files.set("/context.tar", execFileSync("tar", ["cf", "-", "-C", folder, "."]));
  files.set("/some/Dockerfile.txt", Buffer.from("FROM busybox\nRUN echo alone >/alone\n"));
  git.commit("shop", { Dockerfile: "FROM busybox\nCOPY file /first\n", file: "first" }, { tag: "v1" });
  git.commit("shop", { "sub/Dockerfile": "FROM busybox\nCOPY . /sub\n", "sub/in": "in sub", file: "second" });
});
after(async () => {
  git.stop();
  web.close();
  await engine.end();
});

const gantry = (...args: string[]): Promise<Ran> =>
  run(GANTRY, ["build", "-t", "remote", ...args], { env: engine.env });
const done = (ran: Ran): Ran => {
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran;
};
const shown = async (...command: string[]): Promise<string> =>
  (await engine.ok("run", "--rm", "remote", ...command)).trim();

describe("a build from an address", () => {
  it("unpacks an archive, without what its .dockerignore leaves out", async () => {
    for (const name of ["context.tar", "context.tar.gz"]) {
      done(await gantry("--no-cache", `${address}/${name}`));
      assert.equal(await shown("ls", "/got"), "Dockerfile\ndocker\nfile");
    }
    done(await gantry("-f", "docker/Other", `${address}/context.tar.gz`));
    assert.equal(await shown("cat", "/other"), "in the archive");
  });

  it("takes any other file for the Dockerfile", async () => {
    done(await gantry(`${address}/some/Dockerfile.txt`));
    assert.equal(await shown("cat", "/alone"), "alone");
  });

  it("checks a repository out, at a name and from a folder", async () => {
    done(await gantry(`${git.url}/shop.git#v1`));
    assert.equal(await shown("cat", "/first"), "first");
    assert.match(done(await gantry("--check", `${git.url}/shop.git#v1`)).stdout, /no warnings found/);
    done(await gantry(`${git.url}/shop.git#:sub`));
    assert.equal(await shown("cat", "/sub/in"), "in sub");
  });

  it("is done by docker's CLI and for other clients of the API", async () => {
    const env = { ...engine.env, DOCKER_BUILDKIT: "0" };
    done(await run("docker", ["build", "-t", "remote", `${address}/context.tar.gz`], { env }));
    assert.equal(await shown("cat", "/got/file"), "in the archive");
    const url = `http://localhost/build?t=remote&remote=${encodeURIComponent(`${git.url}/shop.git#v1`)}`;
    const socket = engine.env["DOCKER_HOST"]?.replace("unix://", "");
    assert.ok(socket);
    const answer = await run("curl", ["-sS", "-X", "POST", "--unix-socket", socket, url]);
    assert.match(done(answer).stdout, /Successfully tagged remote:latest/);
    assert.equal(await shown("cat", "/first"), "first");
  });

  it("says what is wrong, and leaves nothing", async () => {
    for (const [from, words] of [
      [`${address}/none.tar`, /unable to prepare context: failed to GET .* with status 404/],
      [`${address}/away`, /unable to prepare context: .*169\.254\.169\.254/],
      [`${git.url}/shop.git#nowhere`, /unable to prepare context: .*nowhere/],
      [`${git.url}/shop.git#:none`, /unable to prepare context: .*none/],
    ] as const) {
      const ran = await gantry(from);
      assert.equal(ran.code, 1);
      assert.match(ran.stderr + ran.stdout, words);
    }
    assert.deepEqual(fs.readdirSync(path.join(engine.dataRoot, "build/scratch")), []);
  });
});

it("--build-context takes addresses of archives and repositories", async () => {
  const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
  const dockerfile = "FROM busybox\nCOPY --from=web file /web\nCOPY --from=git file /git\n";
  fs.writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
  const contexts = [`web=${address}/context.tar.gz`, `git=${git.url}/shop.git#v1`];
  done(await gantry(...contexts.flatMap((one) => ["--build-context", one]), folder));
  assert.equal(await shown("cat", "/web", "/git"), "in the archivefirst");
});
