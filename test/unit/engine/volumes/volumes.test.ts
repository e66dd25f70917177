import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Volumes } from "../../../../src/engine/volumes/volumes.ts";
import { MemoryStateStore } from "../../../support/memory-state.ts";
import { namedFolders, noPlugins, volumeDeps } from "../../../support/volume-deps.ts";

/** Volumes on folders that are only names; `log` is everything done to them and told about them, in order. */
function world() {
  const state = new MemoryStateStore();
  const log: string[] = [];
  const folders = new Set<string>();
  const users = new Map<string, string[]>();
  const making = new Set<string>();
  const disk = { fails: false };
  const files = namedFolders({
    create: (name) => {
      if (state.get("volumes", name) === undefined) log.push(`UNRECORDED ${name}`);
      folders.add(name);
    },
    remove: async (name) => {
      if (disk.fails) throw new Error("power cut");
      log.push(`remove ${name}`);
      folders.delete(name);
    },
    list: () => [...folders],
    size: async () => 100,
    mount: async (name, options) => void log.push(`mount ${name} ${options.type}`),
    unmount: (name) => void log.push(`unmount ${name}`),
    copyUp: async ({ name }, rootfs, path, shared) => void log.push(`fill ${name} ${rootfs} ${path} ${shared}`),
  });
  let ids = 0;
  const volumes = new Volumes(
    volumeDeps({
      ...{ state, files },
      ids: { id: () => String(++ids).padStart(64, "0"), name: () => "x" },
      events: { publish: (type, action, id) => void log.push(`event ${type} ${action} ${id}`) },
      containers: { containersUsing: (name) => users.get(name) ?? [], beingCreated: (id) => making.has(id) },
    }),
  );
  return { volumes, files, state, disk, folders, users, making, log };
}

const filters = (object: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(object));

describe("volumes", () => {
  it("are recorded before their folder is made, and given back when they exist", async () => {
    const { volumes, log } = world();
    const record = await volumes.create({ name: "data", labels: { a: "b" } });
    assert.deepEqual(record, {
      name: "data",
      driver: "local",
      created: "2026-01-01T00:00:00.000000001Z",
      labels: { a: "b" },
      options: {},
    });
    assert.deepEqual(await volumes.create({ name: "data", labels: { other: "" } }), record);
    assert.deepEqual(log, ["event volume create data"]);
  });

  it("are not made over one that came while plugins were asked", async () => {
    const state = new MemoryStateStore();
    const all = (): ReturnType<typeof noPlugins.all> => {
      volumes.begin("data", {}); // an import
      return noPlugins.all();
    };
    const volumes = new Volumes(volumeDeps({ state, plugins: { ...noPlugins, all } }));
    await assert.rejects(volumes.create({ name: "data" }), { code: "VOLUME_EXISTS" });
    assert.equal(volumes.finish("data").name, "data");
  });

  it("are not on record when their folder could not be made", async () => {
    const files = namedFolders({
      create: () => {
        throw new Error("no room");
      },
    });
    const volumes = new Volumes(volumeDeps({ files }));
    await assert.rejects(volumes.create({ name: "data" }), /no room/);
    await assert.rejects(volumes.inspect("data"), { code: "NO_SUCH_VOLUME" });
  });

  it("without a name are anonymous, and marked as Docker marks them", async () => {
    const { volumes } = world();
    const record = await volumes.create({});
    assert.match(record.name, /^[0-9a-f]{64}$/);
    assert.deepEqual(record.labels, { "com.docker.volume.anonymous": "" });
  });

  it("refuse names and options in Docker's words", async () => {
    const { volumes, folders } = world();
    const cases: [Parameters<Volumes["create"]>[0], string][] = [
      [
        { name: "../x" },
        'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      ],
      [{ name: "x" }, "create x: volume name is too short, names should be at least two alphanumeric characters"],
      [{ name: "ok", options: { foo: "1" } }, 'create ok: invalid option: "foo"'],
      [{ name: "ok", options: { type: "tmpfs" } }, 'create ok: missing required option: "device"'],
      [{ name: "ok", driver: "nope" }, 'create ok: error looking up volume plugin nope: plugin "nope" not found'],
    ];
    for (const [request, message] of cases)
      await assert.rejects(volumes.create(request), { name: "GantryError", message });
    for (const name of [".hidden", "a/b", "a b", "-x", "a\n", "x".repeat(256)]) {
      await assert.rejects(volumes.create({ name }), { code: "BAD_VOLUME_NAME" });
    }
    assert.equal(folders.size, 0);
  });

  it("are listed by name, with Docker's filters", async () => {
    const { volumes, users } = world();
    await volumes.create({ name: "web-data", labels: { tier: "web" } });
    await volumes.create({ name: "db-data", labels: { tier: "db", keep: "" } });
    users.set("db-data", ["c1"]);
    const names = async (object: Record<string, string[]>): Promise<string[]> =>
      (await volumes.list(filters(object))).volumes.map(({ record }) => record.name);
    assert.deepEqual(await names({}), ["db-data", "web-data"]);
    assert.deepEqual(await names({ name: ["web"] }), ["web-data"]);
    assert.deepEqual(await names({ label: ["tier=db"] }), ["db-data"]);
    assert.deepEqual(await names({ label: ["tier", "keep"] }), ["db-data"]);
    assert.deepEqual(await names({ dangling: ["true"] }), ["web-data"]);
    assert.deepEqual(await names({ dangling: ["0"] }), ["db-data"]);
    assert.deepEqual(await names({ driver: ["other"] }), []);
    await assert.rejects(names({ bogus: ["1"] }), { message: "invalid filter 'bogus'" });
    await assert.rejects(names({ dangling: ["perhaps"] }), { message: "invalid filter 'dangling=[perhaps]'" });
  });

  it("are not removed while a container refers to them", async () => {
    const { volumes, users, log } = world();
    await volumes.create({ name: "data" });
    users.set("data", ["c1", "c2"]);
    await assert.rejects(volumes.remove("data", { force: true }), {
      kind: "conflict",
      message: "remove data: volume is in use - [c1, c2]",
    });
    users.clear();
    await volumes.remove("data");
    assert.deepEqual(log.slice(1), ["remove data", "event volume destroy data"]);
    await assert.rejects(volumes.remove("data"), { kind: "notFound", message: "get data: no such volume" });
    await volumes.remove("data", { force: true });
  });

  it("whose removal was cut short are neither shown nor given out, and go with the next start", async () => {
    const { volumes, disk, state } = world();
    await volumes.create({ name: "data" });
    disk.fails = true;
    await assert.rejects(volumes.remove("data"), /power cut/);
    assert.deepEqual((await volumes.list()).volumes, []);
    assert.throws(() => volumes.get("data"), { kind: "notFound" });
    await assert.rejects(volumes.create({ name: "data" }), { kind: "conflict" });
    disk.fails = false;
    await volumes.recover(() => false);
    assert.deepEqual(state.list("volumes"), []);
    assert.equal((await volumes.create({ name: "data" })).name, "data");
  });

  it("that were being made when the engine was killed, or could not be, are not there", async () => {
    const killed = world();
    const { create } = killed.files;
    killed.files.create = () => {
      assert.deepEqual((killed.state.get("volumes", "data") as { intent?: string }).intent, "create");
      throw new Error("full disk");
    };
    const seen = killed.state.list("volumes");
    await assert.rejects(killed.volumes.create({ name: "data" }), /full disk/);
    assert.deepEqual(killed.state.list("volumes"), seen);
    killed.files.create = create;
    killed.state.commit([
      { bucket: "volumes", key: "data", value: { name: "data", driver: "local", intent: "create" } },
    ]);
    await killed.volumes.recover(() => false);
    assert.deepEqual(killed.state.list("volumes"), seen);
    await killed.volumes.create({ name: "data" });
  });

  it("that only the disk knows are taken in, never dropped", async () => {
    const { volumes, folders } = world();
    folders.add("old");
    await volumes.recover(() => false);
    assert.deepEqual(
      volumes.plain().map(({ record }) => record.name),
      ["old"],
    );
  });

  it("are pruned when anonymous and unused, the named ones only with all=true", async () => {
    const { volumes, users } = world();
    await volumes.create({ name: "named" });
    await volumes.create({ name: "kept", labels: { keep: "" } });
    const unused = (await volumes.create({})).name;
    const used = (await volumes.create({})).name;
    users.set(used, ["c1"]);
    assert.deepEqual(await volumes.prune(), { deleted: [unused], reclaimed: 100 });
    assert.deepEqual(await volumes.prune(filters({ all: ["true"], "label!": ["keep"] })), {
      deleted: ["named"],
      reclaimed: 100,
    });
    assert.deepEqual(
      volumes.plain().map(({ record }) => record.name),
      [used, "kept"].toSorted(),
    );
    await assert.rejects(volumes.prune(filters({ dangling: ["1"] })), { message: "invalid filter 'dangling'" });
  });

  it("with options are mounted for the first container and unmounted after the last", async () => {
    const { volumes, log } = world();
    const where = { destination: "/v", readOnly: false };
    await volumes.create({ name: "ram", options: { type: "tmpfs", device: "tmpfs", o: "size=1m" } });
    assert.equal(await volumes.use("ram", "c1", where), "/volumes/ram/_data");
    await volumes.use("ram", "c1", where);
    await volumes.use("ram", "c2", where);
    await volumes.release("ram", "c1");
    assert.ok(!log.includes("unmount ram"));
    await volumes.release("ram", "c2");
    await volumes.release("gone", "c2");
    assert.equal(log.filter((line) => line === "unmount ram").length, 1);
  });

  it("are filled as shared when another container may hold them already", async () => {
    const { volumes, users, log } = world();
    await volumes.create({ name: "data" });
    users.set("data", ["c1"]);
    await volumes.copyUp("data", "/root", "/var", "c1");
    users.set("data", ["c1", "c2"]);
    await volumes.copyUp("data", "/root", "/var", "c1");
    assert.deepEqual(log.slice(1), ["fill data /root /var false", "fill data /root /var true"]);
  });
});
