import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import Docker from "dockerode";
import { TestEngine } from "../support/engine.ts";
import { archive } from "../support/tar-maker.ts";

/** What a container wrote, its streams apart; resolves when the stream ends. */
async function apart(docker: Docker, stream: NodeJS.ReadableStream): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  (docker.modem as { demuxStream(from: NodeJS.ReadableStream, out: PassThrough, err: PassThrough): void }).demuxStream(
    stream,
    stdout,
    stderr,
  );
  stream.on("end", () => {
    stdout.end();
    stderr.end();
  });
  const [out, err] = await read;
  return { stdout: out, stderr: err };
}

describe("dockerode", () => {
  let engine: TestEngine;
  let docker: Docker;
  before(async () => {
    engine = await TestEngine.start();
    docker = new Docker({ socketPath: engine.socket });
  });
  after(() => engine.end());

  const progress = (stream: NodeJS.ReadableStream): Promise<{ stream?: string; error?: string }[]> =>
    new Promise((resolve, reject) => {
      docker.modem.followProgress(stream, (error, lines) => (error ? reject(error) : resolve(lines)));
    });

  it("ping, version, info", async () => {
    assert.equal(String(await docker.ping()), "OK");
    assert.equal((await docker.version()).ApiVersion, "1.51");
    assert.equal((await docker.info()).OSType, "linux");
    assert.equal((await docker.df()).Images.length, 1);
  });

  it("run: output, exit code, removal", async () => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const output = Promise.all([text(out), text(err)]);
    const [result] = await docker.run("busybox", ["sh", "-c", "echo out; echo err >&2; exit 3"], [out, err], {
      Tty: false,
      HostConfig: { AutoRemove: true },
    });
    out.end();
    err.end();
    assert.deepEqual(await output, ["out\n", "err\n"]);
    assert.equal(result.StatusCode, 3);
    assert.deepEqual(await docker.listContainers({ all: true }), []);
  });

  it("attach with input through a hijacked connection", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["cat"],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const output = apart(docker, stream);
    await container.start();
    stream.end("as it came\n");
    assert.deepEqual(await output, { stdout: "as it came\n", stderr: "" });
    assert.equal((await container.wait()).StatusCode, 0);
    await container.remove();
  });

  it("exec: streams apart, input, exit code; resize; top; logs; stats; update; rename", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      name: "worker",
      Cmd: ["sh", "-c", "echo ready; exec sleep 300"],
      Labels: { team: "cranes" },
      HostConfig: { Memory: 64 << 20 },
    });
    await container.start();
    const exec = await container.exec({
      Cmd: ["sh", "-c", "cat; echo bad >&2; exit 4"],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Env: ["A=1"],
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = apart(docker, stream);
    stream.end("typed");
    assert.deepEqual(await output, { stdout: "typed", stderr: "bad\n" });
    assert.equal((await exec.inspect()).ExitCode, 4);

    const [row] = await docker.listContainers({ filters: { label: ["team=cranes"] } });
    assert.equal(row?.Names[0], "/worker");
    assert.equal((await container.top()).Processes.length, 1);
    const stats = await container.stats({ stream: false });
    assert.equal(stats.memory_stats.limit, 64 << 20);
    await container.update({ Memory: 96 << 20, MemorySwap: -1 });
    assert.equal((await container.inspect()).HostConfig.Memory, 96 << 20);
    await container.rename({ name: "hauler" });
    const logs = await container.logs({ stdout: true, stderr: true, timestamps: true });
    assert.match(logs.toString("latin1", 8), /^\S+Z ready\n$/);
    const follow = await container.logs({ follow: true, stdout: true, tail: 1 });
    const followed = apart(docker, follow);
    await container.kill();
    assert.equal((await followed).stdout, "ready\n");
    await container.remove();
  });

  it("archives into and out of a container", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["cat", "/in/a"] });
    await container.putArchive(archive({ name: "in", type: "dir" }, { name: "in/a", content: "hello" }), {
      path: "/",
    });
    const [, run] = await Promise.all([container.start(), container.wait()]);
    assert.equal(run.StatusCode, 0);
    const tar = await buffer((await container.getArchive({ path: "/in/a" })) as Readable);
    assert.ok(tar.includes("hello"));
    const info = (await container.infoArchive({ path: "/in/a" })) as unknown as { headers?: object };
    assert.ok(info);
    const whole = await buffer((await container.export()) as Readable);
    assert.ok(whole.includes("bin/busybox"));
    const image = (await container.commit({ repo: "made", tag: "here" })) as { Id: string };
    assert.match(image.Id, /^sha256:/);
    assert.equal((await docker.getImage("made:here").inspect()).Id, image.Id);
    await docker.getImage("made:here").remove();
    await container.remove();
  });

  it("builds from files of a folder, and tells an error of a step", async () => {
    const context = path.join(engine.folder, "context");
    fs.mkdirSync(context);
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM busybox\nCOPY note /note\nRUN cat /note\n");
    fs.writeFileSync(path.join(context, "note"), "from a file");
    const built = await docker.buildImage({ context, src: ["Dockerfile", "note"] }, { t: "noted" });
    const lines = await progress(built);
    assert.ok(lines.some((line) => line.stream?.includes("from a file")));
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM busybox\nRUN false\n");
    const failing = await docker.buildImage({ context, src: ["Dockerfile"] });
    assert.match((await progress(failing)).at(-1)?.error ?? "", /returned a non-zero code: 1/);
    const saved = await buffer((await docker.getImage("noted").get()) as Readable);
    await docker.getImage("noted").remove();
    await progress(await docker.loadImage(Buffer.from(saved) as unknown as string));
    assert.equal((await docker.listImages({ filters: { reference: ["noted"] } })).length, 1);
    assert.equal((await docker.getImage("noted").history()).length > 1, true);
    await docker.getImage("noted").remove();
  });

  it("networks and volumes", async () => {
    const network = await docker.createNetwork({ Name: "yard", Labels: { a: "b" } });
    const volume = await docker.createVolume({ Name: "hold", Labels: { a: "b" } });
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["sleep", "300"],
      HostConfig: { Binds: ["hold:/data"], NetworkMode: "yard" },
    });
    await container.start();
    const { Containers } = await network.inspect();
    assert.deepEqual(Object.keys(Containers ?? {}), [container.id]);
    await network.disconnect({ Container: container.id });
    await network.connect({ Container: container.id });
    await assert.rejects(volume.remove(), { statusCode: 409 });
    await assert.rejects(network.remove(), { statusCode: 403 });
    await container.remove({ force: true });
    await volume.remove();
    await network.remove();
    assert.deepEqual(await docker.pruneVolumes(), { VolumesDeleted: [], SpaceReclaimed: 0 });
  });

  it("events as they come", async () => {
    const events = (await docker.getEvents({ filters: { type: ["container"], event: ["start", "die"] } })) as Readable;
    const seen: string[] = [];
    const both = new Promise<void>((resolve) => {
      events.on("data", (chunk: Buffer) => {
        for (const line of chunk.toString().split("\n").filter(Boolean)) {
          seen.push((JSON.parse(line) as { Action: string }).Action);
        }
        if (seen.length === 2) resolve();
      });
    });
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["true"] });
    await container.start();
    await both;
    events.destroy();
    assert.deepEqual(seen, ["start", "die"]);
    await container.remove();
  });

  it("errors as dockerode's users look at them", async () => {
    await assert.rejects(
      docker.getContainer("nobody").inspect(),
      (error: Error & { statusCode: number; json: object }) => {
        assert.equal(error.statusCode, 404);
        assert.deepEqual(error.json, { message: "No such container: nobody", code: "NO_SUCH_CONTAINER" });
        return true;
      },
    );
    await assert.rejects(docker.createContainer({ Image: "not-here" }), { statusCode: 404 });
  });

  it("gives up a call by AbortSignal", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "300"] });
    await container.start();
    const controller = new AbortController();
    const waiting = container.wait({ abortSignal: controller.signal } as object);
    controller.abort();
    await assert.rejects(waiting, /abort/i);
    await container.remove({ force: true });
  });
});
