import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { digestOf, honestImage, startLiar } from "../drivers/registry-http/lying-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";

/** What gantry draws while something goes on, on a terminal and elsewhere. */
describe("progress", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start();
  });
  after(() => engine.end());

  const folderWith = (name: string, dockerfile: string): string => {
    const folder = path.join(engine.folder, name);
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
    return folder;
  };

  it("pull: a bar for the layer, within the width, also when that changes; a line when it is over", async () => {
    const image = honestImage();
    const half = Math.floor(image.layer.length / 2);
    let rest: (() => void) | undefined;
    const answer = (response: ServerResponse): void => {
      response.setHeader("Content-Length", image.layer.length);
      response.write(image.layer.subarray(0, half));
      rest = () => response.end(image.layer.subarray(half));
    };
    const registry = await startLiar((request, response) => {
      const { url = "" } = request;
      if (url.includes("/manifests/")) {
        response.setHeader("Content-Type", "application/vnd.oci.image.manifest.v1+json");
        response.end(request.method === "HEAD" ? undefined : image.manifest);
      } else if (url.endsWith(digestOf(image.config))) response.end(image.config);
      else if (url.endsWith(digestOf(image.layer))) answer(response);
      else response.end("{}");
    });
    const short = digestOf(image.layer).slice(7, 19);
    try {
      const terminal = await Terminal.start(engine.env, GANTRY, "pull", `${registry.host}/slow:1`);
      try {
        await terminal.waitFor(new RegExp(`^${short}: Downloading \\[=+> +\\]`, "m"));
        await terminal.resize(50, 20);
        rest!();
        assert.equal(await terminal.exit(), 0);
        const text = await terminal.text();
        assert.match(text, new RegExp(`^${short}: Pull complete$`, "m"));
        assert.doesNotMatch(text, /Downloading/, "drawn over");
      } finally {
        await terminal.close();
      }
    } finally {
      await registry.stop();
    }
    await engine.ok("rmi", `${registry.host}/slow:1`);
  });

  it("build: what is over stands above, what runs below it with its last words; a failure shows all, and where", async () => {
    const good = folderWith("good", "FROM busybox\nRUN echo heard; sleep 2\nRUN echo second\n");
    const terminal = await Terminal.start(engine.env, GANTRY, "build", "-t", "drawn", good);
    try {
      await terminal.waitFor(
        /^Building: 1 of 3 steps, 1 cached +\d\.\ds\n\[stage-0 2\/3\] RUN echo heard; sleep 2 +\d\.\ds\n {2}heard$/m,
      );
      await terminal.resize(100, 30);
      assert.equal(await terminal.exit(), 0);
      const text = await terminal.text();
      assert.match(
        text,
        /\[stage-0 1\/3\] FROM busybox\n\[stage-0 2\/3\] RUN echo heard; sleep 2 +\d+\.\ds\n\[stage-0 3\/3\] RUN echo second +\d+\.\ds\nBuilt [0-9a-f]{12} in \d\.\ds, [\d.]+MB, 0 of 2 s[^]*\nTagged drawn:latest\nSlowest steps:\n +2\.\ds +\[stage-0 2\/3\] RUN echo heard/m,
      );
      assert.doesNotMatch(text, /Building:/, "drawn over");
    } finally {
      await terminal.close();
    }
    const again = await Terminal.start(engine.env, GANTRY, "build", good);
    try {
      assert.equal(await again.exit(), 0);
      assert.match(await again.text(), /^\[stage-0 1-3\/3\] 3 steps +cached$/m);
    } finally {
      await again.close();
    }
    const bad = folderWith("bad", "FROM busybox\nENV A=1\nRUN seq 1 15; exit 3\n");
    const failed = await Terminal.start(engine.env, GANTRY, "build", "--why", bad);
    try {
      assert.equal(await failed.exit(), 3);
      const text = await failed.text();
      assert.match(text, /^\[stage-0 2\/3\] ENV A=1 .*\n {2}not cached: no step like this was built before$/m);
      assert.match(
        text,
        /^\[stage-0 3\/3\] RUN seq 1 15; exit 3 +failed \d\.\ds\n1\n2\n3\n(?:\d+\n)+15\n\nDockerfile:3\n 3 \| RUN seq 1 15; exit 3\n {3}\| \^{20}\nThe command/m,
      );
    } finally {
      await failed.close();
    }
    await engine.ok("rmi", "drawn");
  });

  const onPty = (words: string, extra: NodeJS.ProcessEnv): Promise<Ran> =>
    run("script", ["-qec", `stty rows 24 cols 80; ${GANTRY} ${words}`, "/dev/null"], {
      env: { ...engine.env, TERM: "xterm", ...extra },
    });

  it("no colours with NO_COLOR, nothing but plain lines on dumb terminals and in pipes", async () => {
    const folder = folderWith("plain", "FROM busybox\nRUN echo words\n");
    const coloured = await onPty(`build --no-cache ${folder}`, {});
    assert.match(coloured.stdout, /\u001b\[32m\[stage-0 2\/2\]/);
    const grey = await onPty(`build --no-cache ${folder}`, { NO_COLOR: "1" });
    assert.match(grey.stdout, /\[stage-0 2\/2\] RUN echo words/);
    assert.doesNotMatch(grey.stdout, /\u001b\[\d*m/);
    for (const plain of [
      await onPty(`build --no-cache ${folder}`, { TERM: "dumb" }),
      await onPty(`build --no-cache ${folder}`, { BUILDKIT_PROGRESS: "plain" }),
      await engine.gantry("build", "--no-cache", folder),
    ]) {
      assert.doesNotMatch(plain.stdout, /\u001b/);
      assert.match(plain.stdout, /^#2 \[stage-0 2\/2\] RUN echo words\r?\n#2 words\r?\n#2 DONE /m);
    }
    await engine.ok("image", "prune", "-f");
  });
});
