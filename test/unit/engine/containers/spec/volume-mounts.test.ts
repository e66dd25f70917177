import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerConfig, HostConfig } from "../../../../../src/base/container-config.ts";
import type { ContainerRecord, MountPoint } from "../../../../../src/engine/containers/record.ts";
import { GantryError } from "../../../../../src/base/errors.ts";
import { ImageMounts } from "../../../../../src/engine/containers/spec/image-mounts.ts";
import { prepareWorkingDirectory } from "../../../../../src/engine/containers/spec/guards.ts";
import { VolumeMounts } from "../../../../../src/engine/containers/spec/volume-mounts.ts";
import { Volumes } from "../../../../../src/engine/volumes/volumes.ts";
import type { ImageRecord } from "../../../../../src/engine/images/contract.ts";
import type { Rootfs, RootfsEntry } from "../../../../../src/ports/rootfs.ts";
import { namedFolders, volumeDeps } from "../../../../support/volume-deps.ts";

/** Mounts over volumes whose folders are names; `links` are the image's, `hostPaths` what the host has. */
function world() {
  const log: string[] = [];
  const hostPaths = new Set(["/srv", "/shared", "/"]);
  const links: Record<string, string> = {};
  const others: Record<string, MountPoint[]> = {};
  const users = new Map<string, string[]>();
  let ids = 0;
  const volumes = new Volumes(
    volumeDeps({
      files: namedFolders({
        remove: async (name) => void log.push(`remove ${name}`),
        copyUp: async ({ name }, _rootfs, path) => void log.push(`fill ${name} ${path}`),
      }),
      ids: { id: () => `anonymous${++ids}`, name: () => "x" },
      containers: { containersUsing: (name) => users.get(name) ?? [], beingCreated: () => false },
    }),
  );
  const rootfs = { resolve: (_root: string, path: string) => links[path] ?? path } as unknown as Rootfs;
  const mounts = new VolumeMounts({
    volumes,
    rootfs,
    hostPaths: {
      typeOf: (path) => (hostPaths.has(path) || path.startsWith("/volumes") ? "directory" : undefined),
      propagationOf: (path) => ({ mountPoint: "/", peers: path.startsWith("/shared") ? "shared" : "none" }),
      makeDirectory: (path) => {
        log.push(`mkdir ${path}`);
        hostPaths.add(path);
      },
    },
    imageMounts: new ImageMounts({
      images: {
        resolve: (name) => {
          if (name !== "tools" && name !== "sha256:7001")
            throw new GantryError("notFound", "NO_SUCH_IMAGE", `No such image: ${name}`);
          return { id: "sha256:7001", chain: ["sha256:c0"] } as unknown as ImageRecord;
        },
      },
      layers: {
        mount: async (id, parent) => {
          log.push(`mount ${id} ${parent}`);
          return { id, mountPoint: `/workspaces/${id}`, upper: "" };
        },
        removeWorkspace: async (id) => void log.push(`unmount ${id}`),
        listWorkspaces: () => ["c1", "c1.0", "c2.0"],
      },
      rootfs: {
        resolve: (_root, path) => `/${path}`,
        stat: (_root, path) => (path === "/bin" ? ({ type: "directory" } as RootfsEntry) : undefined),
      },
    }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    dataRoot: "/var/lib/gantry",
    mountsOf: (name) => others[name] ?? [],
    ipc: {
      memory: {
        create: (id, size) => {
          log.push(`shm ${id} ${size}`);
          return `/shm/${id}`;
        },
        path: (id) => `/shm/${id}`,
        remove: (id) => void log.push(`shm remove ${id}`),
        list: () => [],
      },
      donor: (name) => ({ id: name, hostConfig: { IpcMode: name } }),
    },
  });
  const create = async (hostConfig: HostConfig, config: ContainerConfig = {}): Promise<ContainerRecord> =>
    ({ id: "c1", config, hostConfig, mounts: await mounts.create("c1", config, hostConfig) }) as ContainerRecord;
  return { mounts, volumes, create, log, links, others, users };
}

describe("a container's mounts", () => {
  it("are shown by inspect as Docker shows them", async () => {
    const { create } = world();
    const record = await create(
      {
        Binds: ["/srv:/srv:ro", "data:/data"],
        Mounts: [{ Type: "tmpfs", Target: "/t" }],
        Tmpfs: { "/hidden": "" },
      },
      { Volumes: { "/anon": {} } },
    );
    const volume = { Type: "volume", Driver: "local", RW: true, Propagation: "" };
    assert.deepEqual(record.mounts, [
      { Type: "bind", Source: "/srv", Destination: "/srv", Mode: "ro", RW: false, Propagation: "rprivate" },
      { ...volume, Name: "data", Source: "/volumes/data/_data", Destination: "/data", Mode: "z" },
      { Type: "tmpfs", Source: "", Destination: "/t", Mode: "", RW: true, Propagation: "" },
      { ...volume, Name: "anonymous1", Source: "/volumes/anonymous1/_data", Destination: "/anon", Mode: "" },
    ]);
  });

  it("are ready at the start: folders made for -v, volumes filled unless nocopy, subfolders found", async () => {
    const { create, mounts, log } = world();
    const record = await create({
      Binds: ["/made:/made", "data:/data", "bare:/bare:nocopy"],
      Mounts: [{ Type: "volume", Source: "deep", Target: "/deep", VolumeOptions: { Subpath: "a/b" } }],
      Tmpfs: { "/run": "size=1m" },
    });
    const resolved = await mounts.prepare(record, "/rootfs");
    assert.deepEqual(
      resolved.map(({ type, source, destination }) => [type, source, destination]),
      [
        ["bind", "/made", "/made"],
        ["bind", "/volumes/data/_data", "/data"],
        ["bind", "/volumes/bare/_data", "/bare"],
        ["bind", "/volumes/deep/_data/a/b", "/deep"],
        ["tmpfs", "", "/run"],
      ],
    );
    assert.deepEqual(log, ["mkdir /made", "fill data /data", "fill deep /deep"]);
  });

  it("need an existing source with --mount, and leave no anonymous volume behind when one fails", async () => {
    const { create, log } = world();
    await assert.rejects(create({ Mounts: [{ Type: "bind", Source: "/missing", Target: "/x" }] }), {
      message: 'invalid mount config for type "bind": bind source path does not exist: /missing',
    });
    await assert.rejects(
      create({
        Mounts: [
          { Type: "volume", Target: "/a" },
          { Type: "volume", Source: "x y", Target: "/b" },
        ],
      }),
      {
        code: "BAD_VOLUME_NAME",
      },
    );
    assert.deepEqual(log, ["remove anonymous1"]);
  });

  it("never land in /proc, /dev or /sys, not through the image's links either", async () => {
    const { create, mounts, links } = world();
    await assert.rejects(create({ Binds: ["/srv:/proc/x"] }), { code: "UNSAFE_MOUNT" });
    const record = await create({ Binds: ["/srv:/innocent"] });
    links["/innocent"] = "/proc/self/attr";
    await assert.rejects(mounts.prepare(record, "/rootfs"), { code: "UNSAFE_MOUNT" });
    delete links["/innocent"];
    links["/etc/hosts"] = "/proc/self/attr/exec";
    await assert.rejects(mounts.prepare(record, "/rootfs"), { code: "UNSAFE_MOUNT" });
  });

  it("come from another container, read-only if so asked, unless the container has its own there", async () => {
    const { create, mounts, others, log } = world();
    const bind = {
      Type: "bind",
      Source: "/shared",
      Target: "/srv",
      BindOptions: { Propagation: "rslave", NonRecursive: true },
    } as const;
    const other = await create({ Mounts: [bind], Binds: ["data:/data"] }, { Volumes: { "/anon": {} } });
    others["other"] = other.mounts;
    const record = await create({ VolumesFrom: ["other:ro"], Binds: ["mine:/data"] }, { Volumes: { "/anon": {} } });
    assert.deepEqual(
      record.mounts.map(({ Destination, Name, RW }) => [Destination, Name, RW]),
      [
        ["/srv", undefined, false],
        ["/anon", "anonymous1", false],
        ["/data", "mine", true],
      ],
    );
    const resolved = await mounts.prepare(record, "/rootfs");
    assert.deepEqual(
      resolved.map((mount) => [mount.destination, mount.readOnly, mount.propagation, mount.nonRecursive]).toSorted(),
      [
        ["/anon", true, undefined, undefined],
        ["/data", false, undefined, undefined],
        ["/srv", true, "rslave", true],
      ],
    );
    assert.ok(!log.includes("fill anonymous1 /anon"));
  });

  it("lose their anonymous volumes with rm -v, except those that another container still has", async () => {
    const { create, mounts, users, log } = world();
    const record = await create({ Binds: ["data:/data"] }, { Volumes: { "/a": {}, "/b": {} } });
    users.set("anonymous1", ["c1"]);
    users.set("anonymous2", ["c1", "c2"]);
    await mounts.removeAnonymous(record);
    await mounts.removeAnonymous(record);
    assert.deepEqual(log, ["remove anonymous1"]);
  });

  it("lose their anonymous volumes also when the engine ended before the container knew of them", async () => {
    const { mounts, create, volumes } = world();
    const record = await create({ Binds: ["named:/n"] }, { Volumes: { "/a": {} } });
    await mounts.removeAnonymous({ ...record, mounts: [] });
    assert.deepEqual(
      volumes.plain().map(({ record }) => record.name),
      ["named"],
    );
  });

  it("hold a /dev/shm that others may join only when the container is shareable", async () => {
    const { create, mounts, log } = world();
    const shm = async (hostConfig: HostConfig): Promise<(string | undefined)[]> =>
      (await mounts.prepare(await create(hostConfig), "/rootfs")).map(
        ({ source, destination }) => `${source} ${destination}`,
      );
    assert.deepEqual(await shm({ IpcMode: "shareable", ShmSize: 4096 }), ["/shm/c1 /dev/shm"]);
    assert.deepEqual(await shm({ IpcMode: "container:shareable" }), ["/shm/shareable /dev/shm"]);
    assert.deepEqual(await shm({ IpcMode: "container:host" }), ["/dev/shm /dev/shm"]);
    assert.deepEqual(await shm({}), []);
    assert.deepEqual(await shm({ IpcMode: "shareable", Binds: ["/srv:/dev/shm"] }), ["/srv /dev/shm"]);
    await assert.rejects(shm({ IpcMode: "container:private" }), /non-shareable IPC/);
    await mounts.release(await create({ IpcMode: "shareable" }));
    assert.deepEqual(log, ["shm c1 4096", "shm c1 67108864", "unmount c1.0", "shm remove c1"]);
  });

  it("slip out of the host's data root by themselves, and refuse what cannot be shared", async () => {
    const { create, mounts } = world();
    const propagations = async (...Binds: string[]): Promise<(string | undefined)[]> => {
      const record = await create({ Binds });
      const resolved = await mounts.prepare(record, "/rootfs");
      return [...record.mounts.map((row) => row.Propagation), ...resolved.map((mount) => mount.propagation)];
    };
    assert.deepEqual(await propagations("/srv:/a"), ["rprivate", "rprivate"]);
    // the host's root is not shared here: what is usual gives way
    assert.deepEqual(await propagations("/:/a"), ["rslave", "rprivate"]);
    assert.deepEqual(await propagations("/shared:/a:rshared"), ["rshared", "rshared"]);
    await assert.rejects(propagations("/srv:/a:shared"), {
      message: "path /srv is mounted on / but it is not a shared mount",
    });
    await assert.rejects(propagations("/:/a:private"), /must use either propagation mode "rslave" or "rshared"/);
  });

  it("show an image's files read-only for as long as the container is up", async () => {
    const { create, mounts, log, others } = world();
    const image = (Source: string, Subpath?: string): HostConfig => ({
      Mounts: [{ Type: "image", Source, Target: "/t", ...(Subpath ? { ImageOptions: { Subpath } } : {}) }],
    });
    const record = await create(image("tools", "bin"));
    const [row] = record.mounts;
    assert.deepEqual(
      { ...row, finer: undefined },
      {
        ...{ Type: "image", Name: "tools", Source: "sha256:7001", Destination: "/t", Mode: "", RW: false },
        ...{ Propagation: "rprivate", finer: undefined },
      },
    );
    const folder = { type: "bind", readOnly: true, folder: true, destination: "/t" };
    assert.deepEqual(await mounts.prepare(record, "/rootfs"), [{ ...folder, source: "/workspaces/c1.0/bin" }]);
    others["donor"] = record.mounts;
    const heir = await create({ VolumesFrom: ["donor"] });
    assert.deepEqual(await mounts.prepare(heir, "/rootfs"), [{ ...folder, source: "/workspaces/c1.0/bin" }]);
    await mounts.release(record);
    assert.deepEqual(log.splice(0), ["mount c1.0 sha256:c0", "mount c1.0 sha256:c0", "unmount c1.0"]);
    await assert.rejects(mounts.prepare(await create(image("tools", "etc")), "/rootfs"), { code: "NO_SUCH_SUBPATH" });
    assert.deepEqual(log.splice(0), ["mount c1.0 sha256:c0"]);
    await assert.rejects(create(image("nosuch")), {
      kind: "invalid",
      message: 'invalid mount config for type "image": No such image: nosuch',
    });
    assert.deepEqual(log, []);
  });
});

describe("a working folder", () => {
  it("is refused when the image's links lead it through descriptors, and never made below /proc", () => {
    const made: string[] = [];
    const rootfs = {
      resolve: (_root: string, path: string) => (path === "/app" ? "/proc/self/fd/7" : path),
      stat: (_root: string, path: string) => (path === "/etc/passwd" ? { type: "file" } : undefined),
      ensureDirectory: (_root: string, path: string) => made.push(path),
    } as unknown as Rootfs;
    const prepare = (path: string): void =>
      prepareWorkingDirectory(rootfs, "/rootfs", path, { uid: 0, gid: 0, mode: 0o755 });
    assert.throws(() => prepare("/app"), { code: "UNSAFE_WORKDIR" });
    assert.throws(() => prepare("/proc/1/cwd"), { code: "UNSAFE_WORKDIR" });
    assert.throws(() => prepare("/etc/passwd"), { message: "Cannot mkdir: /etc/passwd is not a directory" });
    prepare("/dev/shm/x");
    prepare("/work");
    assert.deepEqual(made, ["/work"]);
  });
});
