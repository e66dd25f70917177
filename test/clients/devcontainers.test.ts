import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ran, run, TestEngine } from "../support/engine.ts";

const CLI = path.join(import.meta.dirname, "node_modules/@devcontainers/cli/devcontainer.js");

describe("the dev container CLI", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start();
  });
  after(() => engine.end());

  /** A workspace with this devcontainer.json and these files beside it. */
  function workspace(name: string, config: object, files: Record<string, string> = {}): string {
    const folder = path.join(engine.folder, name);
    fs.mkdirSync(path.join(folder, ".devcontainer"), { recursive: true });
    const all = { "devcontainer.json": JSON.stringify(config), ...files };
    for (const [file, text] of Object.entries(all)) fs.writeFileSync(path.join(folder, ".devcontainer", file), text);
    fs.writeFileSync(path.join(folder, "code.txt"), "source code\n");
    return folder;
  }

  const devcontainer = (command: string, folder: string, ...args: string[]): Promise<Ran> =>
    run(process.execPath, [CLI, command, "--workspace-folder", folder, ...args], { env: engine.env, timeout: 90_000 });

  async function up(folder: string): Promise<{ containerId: string; remoteUser: string }> {
    const ran = await devcontainer("up", folder);
    assert.equal(ran.code, 0, ran.stderr + ran.stdout);
    const result = JSON.parse(ran.stdout.trim().split("\n").at(-1) ?? "") as {
      outcome: string;
      containerId: string;
      remoteUser: string;
    };
    assert.equal(result.outcome, "success");
    return result;
  }

  it("brings one up from an image, runs its hooks, executes in it, finds it again", async () => {
    const folder = workspace("from-image", {
      image: "busybox",
      containerEnv: { CRANE: "tall" },
      remoteEnv: { ROPE: "long" },
      mounts: [{ source: "dev-cache", target: "/cache", type: "volume" }],
      runArgs: ["--cap-add=SYS_PTRACE", "--hostname=workbench"],
      onCreateCommand: "echo created > /cache/created",
      postCreateCommand: ["sh", "-c", "echo post > /cache/post"],
      postStartCommand: { one: "echo start > /cache/start" },
    });
    const { containerId } = await up(folder);
    const ran = await devcontainer(
      "exec",
      folder,
      ...["sh", "-c", "cat code.txt /cache/created /cache/post /cache/start; echo $CRANE $ROPE; hostname; exit 3"],
    );
    assert.equal(ran.code, 3, ran.stderr);
    assert.equal(ran.stdout.replaceAll("\r", ""), "source code\ncreated\npost\nstart\ntall long\nworkbench\n");
    assert.equal((await up(folder)).containerId, containerId);
    await engine.ok("stop", "-t", "0", containerId);
    assert.equal((await up(folder)).containerId, containerId);
    const read = await devcontainer("read-configuration", folder);
    assert.equal(read.code, 0, read.stderr);
    await engine.ok("rm", "-fv", containerId);
    await engine.ok("volume", "rm", "dev-cache");
  });

  it("builds one from a Dockerfile, as a user other than root", async () => {
    const folder = workspace(
      "from-dockerfile",
      { build: { dockerfile: "Dockerfile", args: { WHO: "you" } }, remoteUser: "dev" },
      {
        Dockerfile: [
          "FROM busybox",
          "ARG WHO",
          "RUN echo for $WHO > /said && echo dev:x:1000:1000::/home/dev:/bin/sh >> /etc/passwd && mkdir -p /home/dev && chown 1000 /home/dev",
          "",
        ].join("\n"),
      },
    );
    const { containerId, remoteUser } = await up(folder);
    assert.equal(remoteUser, "dev");
    const ran = await devcontainer("exec", folder, "sh", "-c", "cat /said; id -u");
    assert.equal(ran.stdout.replaceAll("\r", ""), "for you\n1000\n");
    await engine.ok("rm", "-f", containerId);
  });

  it("installs a feature that lies in the workspace", async () => {
    const folder = workspace("with-feature", { image: "busybox", features: { "./hello": { greeting: "ahoy" } } });
    const feature = path.join(folder, ".devcontainer/hello");
    fs.mkdirSync(feature);
    const options = { greeting: { type: "string", default: "hey" } };
    fs.writeFileSync(
      path.join(feature, "devcontainer-feature.json"),
      JSON.stringify({ id: "hello", version: "1.0.0", name: "Hello", options, containerEnv: { FEATURED: "yes" } }),
    );
    fs.writeFileSync(path.join(feature, "install.sh"), '#!/bin/sh\nset -e\necho "$GREETING" > /greeting\n');
    const { containerId } = await up(folder);
    const ran = await devcontainer("exec", folder, "sh", "-c", "cat /greeting; echo $FEATURED");
    assert.equal(ran.stdout.replaceAll("\r", ""), "ahoy\nyes\n");
    await engine.ok("rm", "-f", containerId);
  });

  it("brings up a Compose project's service", async () => {
    const folder = workspace(
      "from-compose",
      { dockerComposeFile: "docker-compose.yml", service: "app", workspaceFolder: "/workspace" },
      {
        "docker-compose.yml": [
          'version: "3.5"',
          "services:",
          "  app:",
          "    image: busybox",
          "    command: sleep 3000",
          "    volumes: ['..:/workspace']",
          "    depends_on: [db]",
          "  db:",
          "    image: busybox",
          "    command: sleep 3000",
          "",
        ].join("\n"),
      },
    );
    await up(folder);
    const ran = await devcontainer("exec", folder, "cat", "code.txt");
    assert.equal(ran.stdout.replaceAll("\r", ""), "source code\n", ran.stderr);
    const ids = (await engine.ok("ps", "-aq")).split("\n");
    assert.equal(ids.length, 2);
    await engine.ok("rm", "-f", ...ids);
    await engine.ok("network", "prune", "-f");
  });
});
