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

  it("build: a line a step with its time; what a step says is below it while it runs; a failure shows all", async () => {
    const good = folderWith("good", "FROM busybox\nRUN echo heard; sleep 2\nRUN echo second\n");
    const terminal = await Terminal.start(engine.env, GANTRY, "build", "-t", "drawn", good);
    try {
      await terminal.waitFor(/^\[1\/3\] FROM busybox +\d\.\ds\n\[2\/3\] RUN echo heard; sleep 2 +\d\.\ds\n {2}heard$/m);
      assert.equal(await terminal.exit(), 0);
      const text = await terminal.text();
      assert.match(
        text,
        /^\[1\/3\] FROM busybox +\d+\.\ds\n\[2\/3\] RUN echo heard; sleep 2 +\d+\.\ds\n\[3\/3\] RUN echo second +\d+\.\ds\nSuccessfully built [0-9a-f]{12}\nSuccessfully tagged drawn:latest$/m,
      );
    } finally {
      await terminal.close();
    }
    const again = await Terminal.start(engine.env, GANTRY, "build", good);
    try {
      assert.equal(await again.exit(), 0);
      assert.match(await again.text(), /^\[2\/3\] RUN echo heard; sleep 2 +cached$/m);
    } finally {
      await again.close();
    }
    const bad = folderWith("bad", "FROM busybox\nRUN seq 1 15; exit 3\n");
    const failed = await Terminal.start(engine.env, GANTRY, "build", bad);
    try {
      assert.equal(await failed.exit(), 3);
      assert.match(await failed.text(), /^\[2\/2\] RUN seq 1 15; exit 3\n1\n2\n3\n(?:\d+\n)+15\nThe command/m);
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
    assert.match(coloured.stdout, /\u001b\[32m\[2\/2\]/);
    const grey = await onPty(`build --no-cache ${folder}`, { NO_COLOR: "1" });
    assert.match(grey.stdout, /\[2\/2\] RUN echo words/);
    assert.doesNotMatch(grey.stdout, /\u001b\[\d*m/);
    for (const plain of [
      await onPty(`build --no-cache ${folder}`, { TERM: "dumb" }),
      await onPty(`build --no-cache ${folder}`, { BUILDKIT_PROGRESS: "plain" }),
      await engine.gantry("build", "--no-cache", folder),
    ]) {
      assert.doesNotMatch(plain.stdout, /\u001b/);
      assert.match(plain.stdout, /Step 2\/2 : RUN echo words\r?\n ---> Running in [0-9a-f]{12}\r?\nwords\r?\n/);
    }
    await engine.ok("image", "prune", "-f");
  });
});
