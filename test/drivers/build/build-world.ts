import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import type http from "node:http";
import os from "node:os";
import path from "node:path";
import { GantryError } from "../../../src/base/errors.ts";
import { Builder } from "../../../src/build/builder.ts";
import { applyChanges } from "../../../src/build/changes.ts";
import type { RunStep } from "../../../src/build/host.ts";
import { FileBlobStore } from "../../../src/drivers/blobs/blob-store.ts";
import { HostBuildFiles } from "../../../src/drivers/build-files/build-files.ts";
import { HttpDownloads } from "../../../src/drivers/build-files/downloads.ts";
import { HostGit } from "../../../src/drivers/build-files/git.ts";
import { LinuxHost } from "../../../src/drivers/host-facts/linux-host.ts";
import { wrapFor } from "../../../src/drivers/oci/detect.ts";
import { CliRuntime } from "../../../src/drivers/oci/runtime.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { encodeSpec, planSpec } from "../../../src/engine/containers/spec/plan.ts";
import { resolveUser } from "../../../src/engine/containers/spec/user.ts";
import { Images } from "../../../src/engine/images/images.ts";
import { buildCacheRoutes } from "../../../src/server/routes/build-cache.ts";
import { buildRoutes } from "../../../src/server/routes/build.ts";
import { imageRoutes } from "../../../src/server/routes/images.ts";
import { HostContextStore } from "../../../src/drivers/build-files/context-store.ts";
import { BuildSessions } from "../../../src/server/build-sessions.ts";
import { ApiServer } from "../../../src/server/server.ts";
import { LayerWorld } from "../../support/layer-store.ts";
import { quiet } from "../../unit/engine/images/fakes.ts";
import { systemClock } from "../registry-http/clock.ts";

const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };

export interface Output {
  code: number | null;
  out: string;
  err: string;
}

/** A builder on real layers, with RUN in crun without a network, behind the API for the stock docker CLI. */
export class BuildWorld implements AsyncDisposable {
  readonly layerWorld = new LayerWorld();
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-build-"));
  readonly files: HostBuildFiles;
  readonly images: Images;
  readonly builder: Builder;
  /** How often a workspace was mounted. */
  mounts = 0;
  private readonly registry = new HttpRegistry({ clock: systemClock, retryPauseMs: 10 });
  private readonly server: http.Server;
  private readonly socket = path.join(this.folder, "sock");

  constructor() {
    const { store: layers, state, archive } = this.layerWorld;
    const mount = layers.mount.bind(layers);
    layers.mount = (id, parent) => {
      this.mounts += 1;
      return mount(id, parent);
    };
    this.files = new HostBuildFiles(path.join(this.folder, "files"));
    this.images = new Images({
      layers,
      state,
      blobs: new FileBlobStore(path.join(this.folder, "blobs")),
      registry: this.registry,
      clock: systemClock,
      logger: quiet,
      applyChanges,
      usage: { containersUsing: () => [] },
      platform,
      layersRoot: path.join(this.layerWorld.root, "layers"),
    });
    const runtime = new CliRuntime({
      name: "crun",
      path: "/usr/bin/crun",
      stateRoot: path.join(this.folder, "crun"),
      wrap: wrapFor("crun"),
    });
    this.builder = new Builder({
      contexts: new HostContextStore(path.join(this.folder, "contexts")),
      images: this.images,
      pull: (reference) =>
        Promise.reject(new GantryError("notFound", "NO_SUCH_IMAGE", `no registry here for ${reference}`)),
      authFor: () => ({}),
      tag: (id, reference) => this.images.tag(id, reference),
      holds: this.images.holds,
      imageLayers: () => this.images.layers(),
      reclaim: (chains) => this.images.reclaim(chains),
      layers,
      archive,
      files: this.files,
      downloads: new HttpDownloads(),
      git: new HostGit(),
      run: (step) => this.run(runtime, step),
      state,
      clock: systemClock,
      ids: { id: () => randomBytes(32).toString("hex"), name: () => "test" },
      platform,
      parallelRuns: 4,
    });
    const ping = { path: "/_ping", handler: (call: { send(s: number, b: unknown): void }) => call.send(200, "OK") };
    const sessions = new BuildSessions({ clock: systemClock, ids: { id: () => randomBytes(32).toString("hex") } });
    this.server = new ApiServer({
      routes: [
        ...buildRoutes({ builder: this.builder, sessions, platform }),
        ...buildCacheRoutes({ builder: this.builder, clock: systemClock, onPruned: () => {} }),
        ...imageRoutes({ images: this.images, downloads: new HttpDownloads(), clock: systemClock }),
        { method: "GET", ...ping },
        { method: "HEAD", ...ping },
      ],
      logger: quiet,
      engineVersion: "test",
      experimental: false,
    }).create();
  }

  /** Listens, and makes `busybox:latest` of the host's static busybox. */
  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.socket, resolve));
    const tree = this.sub("busybox");
    for (const name of ["bin", "etc", "tmp", "root"]) fs.mkdirSync(path.join(tree, name));
    fs.copyFileSync("/usr/bin/busybox", path.join(tree, "bin/busybox"));
    for (const name of [
      "sh",
      "cat",
      "ls",
      "id",
      "env",
      "echo",
      "touch",
      "mkdir",
      "rm",
      "stat",
      "sleep",
      "wc",
      "find",
      "pwd",
    ]) {
      fs.symlinkSync("busybox", path.join(tree, "bin", name));
    }
    fs.writeFileSync(path.join(tree, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n");
    fs.writeFileSync(path.join(tree, "etc/group"), "root:x:0:\napp:x:1001:\nstaff:x:50:\n");
    const tar = this.layerWorld.archive.pack(tree, { whiteouts: "plain" });
    const layer = await this.layerWorld.store.addFromTar(undefined, tar);
    const config = { Cmd: ["sh"], Env: ["PATH=/bin"] };
    await this.images.add(
      { ...platform, config, history: [{ created_by: "base" }] },
      [layer.chainId],
      ["busybox:latest"],
    );
    return this;
  }

  sub(name: string): string {
    const folder = path.join(this.folder, name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A context folder of these files. */
  context(files: Record<string, string>): string {
    const folder = fs.mkdtempSync(path.join(this.folder, "context-"));
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), content);
    }
    return folder;
  }

  /** RUN without the engine's networks. */
  private async run(runtime: CliRuntime, step: RunStep): Promise<number> {
    const bundle = fs.mkdtempSync(path.join(this.folder, "bundle-"));
    const hosts = path.join(bundle, "hosts");
    fs.writeFileSync(hosts, "127.0.0.1 localhost\n");
    const passwd = this.files.readText(step.rootfs, "/etc/passwd", 1e6) ?? "";
    const spec = planSpec({
      id: step.id,
      name: step.id,
      config: { Cmd: step.args, Env: step.env, WorkingDir: step.cwd },
      hostConfig: step.hostConfig,
      rootfs: step.rootfs,
      hostname: step.hostname,
      user: resolveUser(step.user, passwd, this.files.readText(step.rootfs, "/etc/group", 1e6) ?? "", []),
      mounts: step.mounts.flatMap((mount) => {
        if (mount.type !== "bind" && mount.type !== "tmpfs") throw new Error("this world has no sessions");
        const source = mount.type === "bind" ? mount.source : "";
        return [{ type: mount.type, source, destination: mount.target, readOnly: mount.readonly }];
      }),
      files: { hosts },
      host: new LinuxHost().facts(),
    });
    spec.linux.namespaces = [...spec.linux.namespaces.filter((one) => one.type !== "network"), { type: "network" }];
    fs.writeFileSync(path.join(bundle, "config.json"), encodeSpec(spec));
    try {
      return await runtime.runToEnd(step.id, bundle, { onOutput: step.onOutput, signal: step.signal });
    } finally {
      fs.rmSync(bundle, { recursive: true, force: true });
    }
  }

  docker(argv: string[], options: { input?: Buffer; killAfter?: RegExp } = {}): Promise<Output> {
    const env = {
      PATH: process.env["PATH"],
      DOCKER_HOST: `unix://${this.socket}`,
      DOCKER_CONFIG: this.folder,
      HOME: this.folder,
      DOCKER_BUILDKIT: "0",
    };
    const child = spawn("docker", argv, { env, stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += String(chunk);
      if (options.killAfter?.test(out)) child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    child.stdin.on("error", () => {}); // the exit code tells
    child.stdin.end(options.input);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        // The CLI's own advice about its next builder is not ours.
        err = err.replace(/^DEPRECATED: The legacy builder[\s\S]*?\n\n/, "");
        resolve({ code, out, err });
      });
    });
  }

  async build(files: Record<string, string>, ...argv: string[]): Promise<Output> {
    return this.docker(["build", ...argv, this.context(files)]);
  }

  /** A file of an image, or undefined. */
  async read(image: string, name: string): Promise<string | undefined> {
    return this.inImage(image, (root) => this.files.readText(root, name, 1e6));
  }

  async inImage<T>(image: string, work: (root: string) => T): Promise<T> {
    const view = await this.layerWorld.store.view(
      `test-${randomBytes(4).toString("hex")}`,
      this.images.resolve(image).chain.at(-1) ?? "",
    );
    try {
      return work(view.path);
    } finally {
      await view.close();
    }
  }

  /** Temporary things of builds that are still there. */
  leftovers(): string[] {
    const scratch = path.join(this.folder, "files", "scratch");
    const views = fs.readdirSync(path.join(this.layerWorld.root, "views"));
    return [
      ...fs.readdirSync(scratch),
      ...this.layerWorld.store.listWorkspaces(),
      ...views,
      ...this.layerWorld.mounts(),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    this.registry.close();
    try {
      await this.layerWorld[Symbol.asyncDispose]();
    } finally {
      fs.rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
