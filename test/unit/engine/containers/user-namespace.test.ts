import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostConfig } from "../../../../src/base/container-config.ts";
import type { UserNamespace } from "../../../../src/base/id-map.ts";
import { idMapOf, joinedUserNamespace } from "../../../../src/engine/containers/user-namespace.ts";

const range = [{ inside: 0, outside: 100_000, size: 65_536 }];
const MAP = { uids: range, gids: range };
const namespace = (name: string): UserNamespace => ({ path: `/run/userns/${name}`, map: MAP });

const NONE = { networks: {}, ports: {}, hosts: [], resolv: { nameservers: [], search: [], options: [] } };
const joined = (hostConfig: HostConfig): UserNamespace | undefined =>
  joinedUserNamespace({ id: "me", hostConfig }, (id) => ({
    id,
    attachment: id === "hosts" ? NONE : { ...NONE, userns: namespace(id) },
  }));

describe("a container's user namespace", () => {
  it("is the host's when nothing is remapped, or when it asks for that", () => {
    assert.equal(idMapOf({}, undefined), undefined);
    assert.equal(idMapOf({ UsernsMode: "host" }, MAP), undefined);
    assert.equal(idMapOf({ UsernsMode: "" }, MAP), MAP);
  });

  it("is its own unless it joins another container's namespaces", () => {
    assert.equal(joined({ NetworkMode: "bridge", IpcMode: "private", PidMode: "" }), undefined);
    assert.deepEqual(joined({ IpcMode: "container:web" }), namespace("web"));
    assert.deepEqual(joined({ NetworkMode: "container:web", PidMode: "container:web" }), namespace("web"));
  });

  it("cannot be two at once, nor the host's", () => {
    const refused = { code: "USERNS_DIFFERS" };
    assert.throws(() => joined({ NetworkMode: "container:web", PidMode: "container:db" }), refused);
    assert.throws(() => joined({ NetworkMode: "container:hosts" }), refused);
  });
});
