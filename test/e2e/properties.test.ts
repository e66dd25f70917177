import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { ContainerCreateRequest } from "../../src/wire/types/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { Swagger, WITHOUT_SPEC } from "../support/swagger.ts";
import { CONTAINER_CONFIG, ENDPOINT_SETTINGS, HEALTH_CONFIG, IPAM_CONFIG } from "./properties/config.ts";
import { HOST_CONFIG, RESOURCES, SMALLER } from "./properties/host-config.ts";
import { MOUNTS } from "./properties/mounts.ts";
import type { Asked, Looked, Proof, Proofs, Seen, World } from "./properties/proof.ts";

/** The Swagger file's definitions that a create request is made of, and what proves each property. */
const TABLE: Record<string, Proofs> = {
  ContainerConfig: CONTAINER_CONFIG,
  HealthConfig: HEALTH_CONFIG,
  HostConfig: { ...RESOURCES, ...HOST_CONFIG },
  EndpointSettings: ENDPOINT_SETTINGS,
  EndpointIPAMConfig: IPAM_CONFIG,
  ...SMALLER,
  ...MOUNTS,
};

const swagger = WITHOUT_SPEC ? undefined : new Swagger();
const world = {} as World;
before(async () => {
  world.engine = await TestEngine.start();
  world.folder = path.join(world.engine.folder, "props");
  fs.mkdirSync(world.folder);
  fs.writeFileSync(path.join(world.folder, "in"), "inside\n");
  const { engine } = world;
  await engine.ok("network", "create", "--subnet", "10.213.7.0/24", "props");
  const script = "echo inside | tee /kept/in >/dev/shm/in; while :; do sleep 1000; done";
  const options = ["--init", "--ipc", "shareable", "-v", "/kept"];
  world.donor = await engine.ok("run", "-d", ...options, "busybox", "sh", "-c", script, "donor");
});
after(async () => {
  await world.engine.end();
  removeGroups("/gantry/props");
});

/** A parent that a container was given stays, as with dockerd. */
function removeGroups(group: string): void {
  const root = "/sys/fs/cgroup";
  for (const hierarchy of ["", ...fs.readdirSync(root)]) {
    const folder = path.join(root, hierarchy, group);
    if (fs.existsSync(folder)) fs.rmdirSync(folder);
  }
}

const bodyOf = (asked: Seen["asked"], script: string): ContainerCreateRequest => {
  const more: Asked = typeof asked === "function" ? asked(world) : asked;
  return { Image: "busybox", Cmd: ["sh", "-c", script], ...more };
};

async function create(body: ContainerCreateRequest): Promise<{ id: string; message: string }> {
  const made = await world.engine.get("/containers/create", "POST", body);
  const { Id, message } = JSON.parse(made.text) as { Id?: string; message?: string };
  return { id: Id ?? "", message: message ?? "" };
}

const start = async (id: string): Promise<string> => {
  const { status, text } = await world.engine.get(`/containers/${id}/start`, "POST");
  return status === 204 ? "" : text;
};

const remove = async (id: string): Promise<void> => {
  const { status, text } = await world.engine.get(`/containers/${id}?force=1&v=1`, "DELETE");
  assert.equal(status, 204, text);
};

async function within<T>(body: ContainerCreateRequest, use: (id: string) => Promise<T>): Promise<T> {
  const { id, message } = await create(body);
  assert.notEqual(id, "", message);
  try {
    assert.equal(await start(id), "");
    return await use(id);
  } finally {
    await remove(id);
  }
}

async function see({ asked, script, is }: Seen): Promise<void> {
  const output = await within(bodyOf(asked, script), async (id) => {
    await world.engine.get(`/containers/${id}/wait`, "POST");
    const { text } = await world.engine.get(`/containers/${id}/logs?stdout=1`);
    // without a terminal each piece has a header of 8 bytes
    return text.replace(/[\0\x01]\0\0\0[^]{4}/g, "").replace(/\n$/, "");
  });
  if (typeof is === "string") assert.equal(output, is);
  else assert.match(output, is);
}

const lookAt = ({ asked, look }: Looked): Promise<void> => within(bodyOf(asked, "sleep 1000"), (id) => look(id, world));

async function refuse(asked: Asked, words: RegExp): Promise<void> {
  const { id, message } = await create(bodyOf(asked, "true"));
  if (id === "") return assert.match(message, words);
  const told = await start(id);
  await remove(id);
  assert.match(told, words);
}

function prove(proof: Proof): Promise<void> | void {
  if ("script" in proof) return see(proof);
  if ("look" in proof) return lookAt(proof);
  if ("refusal" in proof) return refuse(proof.asked, proof.refusal);
  if ("stored" in proof) return assert.notEqual(proof.stored, "");
  const file = path.resolve(import.meta.dirname, "../..", proof.file);
  assert.ok(fs.readFileSync(file, "utf8").includes(proof.says), `${proof.file} says nothing of ${proof.says}`);
}

const words = (proof: Proof): string =>
  "stored" in proof ? ` is stored only: ${proof.stored}` : "says" in proof ? ` is proved by ${proof.file}` : "";

const proved = new Map<Proof, Promise<void> | void>();

for (const [definition, proofs] of Object.entries(TABLE)) {
  describe(definition, () => {
    it("has no property that the table does not know", { skip: WITHOUT_SPEC }, () => {
      const known = Object.keys(proofs).toSorted();
      assert.deepEqual(known, swagger?.propertiesOf(definition).toSorted());
    });
    for (const [property, proof] of Object.entries(proofs)) {
      it(`${property}${words(proof)}`, async () => {
        if (!proved.has(proof)) proved.set(proof, prove(proof));
        await proved.get(proof);
      });
    }
  });
}
