import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

/** ~/.docker/config.json, to gantry and to docker. */
let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const config = (content: object): void => {
  const folder = engine.env["DOCKER_CONFIG"]!;
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(content));
};

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };

  describe(`config.json to ${cli}`, () => {
    it("formats, which --format and --quiet go before", async () => {
      const id = (await ok("run", "-d", "--name", "shown", "busybox", "sleep", "1000")).trim();
      await ok("volume", "create", "kept");
      config({
        psFormat: "P {{.Names}}",
        imagesFormat: "table I {{.Repository}}",
        networksFormat: "N {{.Name}}",
        volumesFormat: "V {{.Name}}",
        statsFormat: "S {{.Name}}",
      });
      assert.equal(await ok("ps"), "P shown\n");
      assert.equal(await ok("ps", "-q"), `${id.slice(0, 12)}\n`);
      assert.equal(await ok("ps", "--format", "{{.ID}}"), `${id.slice(0, 12)}\n`);
      assert.equal(await ok("images", "busybox"), "I REPOSITORY\nI busybox\n");
      assert.match(await ok("network", "ls"), /^N bridge\nN host\nN none\n$/);
      assert.equal(await ok("volume", "ls"), "V kept\n");
      assert.equal(await ok("volume", "ls", "-q"), "kept\n");
      assert.equal(await ok("stats", "--no-stream"), "S shown\n");
      config({});
      await ok("rm", "-f", "shown");
      await ok("volume", "rm", "kept");
    });

    it("proxies of containers and builds, which the command line goes before", async () => {
      const proxies = { default: { httpProxy: "http://proxy:1", noProxy: "localhost" } };
      config({ proxies: { ...proxies, [engine.env["DOCKER_HOST"]!]: { httpProxy: "http://own:2" } } });
      const shown = await ok("run", "--rm", "busybox", "sh", "-c", "echo $HTTP_PROXY $http_proxy [$NO_PROXY]");
      assert.equal(shown, "http://own:2 http://own:2 []\n");
      config({ proxies });
      const own = await ok(
        "run",
        "--rm",
        "-e",
        "HTTP_PROXY=mine",
        "busybox",
        "sh",
        "-c",
        "echo $HTTP_PROXY $http_proxy $no_proxy",
      );
      assert.equal(own, "mine http://proxy:1 localhost\n");
      const folder = path.join(engine.folder, `proxies-${cli}`);
      fs.mkdirSync(folder);
      fs.writeFileSync(path.join(folder, "Dockerfile"), `FROM busybox\nRUN echo "<$HTTP_PROXY>" for ${cli}\n`);
      assert.match(await ok("build", folder), /^(?:#2 )?<http:\/\/proxy:1> for/m);
      config({});
    });

    it("headers of one's own go with every request", async () => {
      config({ HttpHeaders: { "X-Of-Mine": "yes" } });
      const heard: (string | string[] | undefined)[] = [];
      const server = http.createServer((request, response) => {
        heard.push(request.headers["x-of-mine"]);
        response.setHeader("Api-Version", "1.51").end("[]");
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as { port: number };
      try {
        await run(program, ["-H", `tcp://127.0.0.1:${port}`, "ps"], { env: engine.env });
        assert.ok(heard.length >= 2 && heard.every((value) => value === "yes"), JSON.stringify(heard));
      } finally {
        server.close();
        config({});
      }
    });

    it("detach keys", async () => {
      config({ detachKeys: "ctrl-y,z" });
      const terminal = await Terminal.start(engine.env, program, "run", "-it", "--name", "left", "busybox", "sh");
      try {
        await terminal.waitFor("/ #");
        await terminal.press("C-y", "z");
        assert.equal(await terminal.exit(), 0);
      } finally {
        await terminal.close();
        config({});
      }
      assert.equal((await engine.ok("inspect", "-f", "{{.State.Running}}", "left")).trim(), "true");
      await engine.ok("rm", "-f", "left");
    });

    it("a helper's credentials are looked up and never written down", async () => {
      const bin = path.join(engine.folder, `bin-${cli}`);
      fs.mkdirSync(bin);
      const log = path.join(bin, "log");
      const script = `#!/bin/sh\nread input; echo "$1 $input" >>${log}\necho '{"ServerURL":"x","Username":"me","Secret":"s3cret"}'\n`;
      fs.writeFileSync(path.join(bin, "docker-credential-box"), script, { mode: 0o755 });
      config({ credHelpers: { "127.0.0.1:1": "box" } });
      const env = { ...engine.env, PATH: `${bin}:${process.env["PATH"]}` };
      const ran = await run(program, ["pull", "127.0.0.1:1/none"], { env });
      assert.notEqual(ran.code, 0);
      await until(() => fs.existsSync(log), { what: "the helper's log" });
      assert.equal(fs.readFileSync(log, "utf8"), "get 127.0.0.1:1\n");
      assert.ok(!fs.readFileSync(path.join(engine.env["DOCKER_CONFIG"]!, "config.json"), "utf8").includes("s3cret"));
      config({});
    });
  });
}

describe("the API's socket in a container", () => {
  it("is where clients look for it, with the credentials", async () => {
    config({ auths: { "ghcr.io": { auth: "bWU6c2VjcmV0" } } });
    const words = [
      "run",
      "--rm",
      "--use-api-socket",
      "busybox",
      "sh",
      "-c",
      "test -S /var/run/docker.sock && cat $DOCKER_CONFIG/config.json",
    ];
    const ran = await run(GANTRY, words, { env: engine.env });
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(JSON.parse(ran.stdout), { auths: { "ghcr.io": { auth: "bWU6c2VjcmV0" } } });
    config({});
  });

  it("another platform of an image is not found, its own is", async () => {
    const other = await engine.gantry("image", "inspect", "--platform", "linux/s390x", "busybox");
    assert.equal(other.code, 1);
    assert.match(other.stderr, /does not provide the specified platform \(linux\/s390x\)\nhint: it is for linux\//);
    const { stdout } = await engine.gantry("image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", "busybox");
    for (const words of [["history"], ["image", "inspect"]]) {
      assert.equal((await engine.gantry(...words, "--platform", stdout.trim(), "busybox")).code, 0);
      const refused = await engine.docker(...words, "--platform", "linux/s390x", "busybox");
      assert.equal(refused.code, 1, words.join(" "));
    }
  });
});
