import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { GANTRY, run, TestEngine } from "../support/engine.ts";

let engines: TestEngine[];
let registry: RealRegistry;
const sockets: net.Server[] = [];
before(async () => {
  [engines, registry] = await Promise.all([Promise.all([TestEngine.start(), TestEngine.start()]), startRegistry()]);
});
after(async () => {
  for (const socket of sockets) socket.close();
  await registry.stop();
  for (const engine of engines) await engine.end();
});

const DOCKERFILE = [
  "FROM busybox",
  "WORKDIR /work",
  "COPY . /files",
  "RUN mkdir -p /made/deep && seq 1 200000 >/made/deep/numbers && ln /made/deep/numbers /made/linked",
  "ENV A=b",
].join("\n");

/** The same files, made in another order, at another time, with other things beside them. */
async function context(engine: TestEngine, which: number): Promise<string> {
  const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
  const names = ["b", "a", "Dockerfile", ".dockerignore", "sub/c"];
  fs.mkdirSync(path.join(folder, "sub"), { mode: 0o755 });
  for (const name of which === 0 ? names : names.toReversed()) {
    const file = path.join(folder, name);
    const content = name === "Dockerfile" ? DOCKERFILE : name === ".dockerignore" ? "ignored\n" : `of ${name}`;
    fs.writeFileSync(file, content, { mode: 0o644 });
    fs.chmodSync(file, 0o644);
    fs.utimesSync(file, 1_700_000_000 + which * 1000, 1_700_000_000 + which * 1000);
  }
  fs.writeFileSync(path.join(folder, "ignored"), String(which));
  if (which === 1) {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(path.join(folder, "socket"), resolve));
    sockets.push(server);
  }
  return folder;
}

it("two engines make the same image and the same manifest of the same inputs", async () => {
  const ids: string[] = [];
  const digests: unknown[] = [];
  for (const [which, engine] of engines.entries()) {
    const name = `${registry.host}/same-${which}:1`;
    const metadata = path.join(engine.folder, "metadata.json");
    const flags = ["-t", name, "--annotation", "a=b", "--push", "--metadata-file", metadata];
    const ran = await run(GANTRY, ["build", ...flags, await context(engine, which)], {
      env: { ...engine.env, SOURCE_DATE_EPOCH: "1600000000" },
    });
    assert.equal(ran.code, 0, ran.stderr + ran.stdout);
    ids.push(await engine.ok("inspect", "-f", "{{.Id}}", name));
    digests.push((JSON.parse(fs.readFileSync(metadata, "utf8")) as Record<string, unknown>)["containerimage.digest"]);
  }
  assert.equal(ids[0], ids[1]);
  assert.match(String(digests[0]), /^sha256:/);
  assert.equal(digests[0], digests[1]);
});
