import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GantryError } from "../../../../../src/base/errors.ts";
import { cdiDevices, editsFor, injectCdi } from "../../../../../src/engine/containers/spec/cdi.ts";
import { namesOfRequests } from "../../../../../src/engine/containers/spec/device-requests.ts";
import { planSpec } from "../../../../../src/engine/containers/spec/plan.ts";
import type { CdiEdits, CdiSpec } from "../../../../../src/ports/cdi-specs.ts";
import { plainFacts } from "./host.ts";

const spec = (kind: string, names: string[], common?: CdiEdits): CdiSpec => ({
  cdiVersion: "0.6.0",
  kind,
  devices: names.map((name) => ({ name, containerEdits: { env: [`${name}=1`] } })),
  ...(common ? { containerEdits: common } : {}),
});
const known = (...folders: CdiSpec[][]): Map<string, CdiSpec> =>
  cdiDevices({
    read: () => ({ folders: folders.map((specs) => specs.map((one, n) => ({ path: `${n}`, spec: one }))), errors: [] }),
  });

describe("CDI's devices", () => {
  it("of a later folder go over those of an earlier one; two files of one folder cancel one another", () => {
    const [low, high] = [spec("a.com/x", ["d", "e"]), spec("a.com/x", ["d"])];
    const devices = known([low], [high]);
    assert.equal(devices.get("a.com/x=d"), high);
    assert.equal(devices.get("a.com/x=e"), low);
    assert.deepEqual([...known([low, high]).keys()], ["a.com/x=e"]);
  });

  it("bring what all of a file share once, before their own", () => {
    const devices = known([spec("a.com/x", ["d", "e"], { env: ["COMMON=1"] })]);
    const env = editsFor(["a.com/x=d", "a.com/x=e"], devices).flatMap((edits) => edits.env);
    assert.deepEqual(env, ["COMMON=1", "d=1", "e=1"]);
    assert.throws(() => editsFor(["a.com/x=f", "b.com/y=g"], devices), {
      message: "CDI device injection failed: unresolvable CDI devices a.com/x=f, b.com/y=g",
    });
  });

  it("change a spec as CDI says", () => {
    const before = planSpec(plainFacts({ user: { uid: 5, gid: 6, additionalGids: [], home: "/" } }));
    const edits: CdiEdits = {
      env: ["PATH=/own"],
      deviceNodes: [
        { path: "/dev/null", permissions: "r" },
        { path: "/dev/toy", hostPath: "/dev/real", fileMode: 0o640 },
      ],
      mounts: [
        { hostPath: "/h", containerPath: "/etc/hosts", options: ["ro", "bind"] },
        { hostPath: "/d", containerPath: "/a/b/c" },
      ],
      hooks: [{ hookName: "prestart", path: "/hook" }],
      additionalGids: [7],
    };
    const real = { path: "", type: "c" as const, major: 10, minor: 20, fileMode: 0o666, uid: 0, gid: 0 };
    const after = injectCdi(before, [edits], () => [real]);
    assert.deepEqual(
      after.process.env.filter((entry) => entry.startsWith("PATH=")),
      ["PATH=/own"],
    );
    assert.deepEqual(after.linux.devices, [
      { path: "/dev/toy", type: "c", major: 10, minor: 20, fileMode: 0o640, uid: 5, gid: 6 },
    ]);
    assert.deepEqual((after.linux.resources["devices"] as object[]).slice(-2), [
      { allow: true, type: "c", major: 10, minor: 20, access: "r" },
      { allow: true, type: "c", major: 10, minor: 20, access: "rwm" },
    ]);
    assert.deepEqual(
      after.mounts.filter(({ destination }) => ["/etc/hosts", "/a/b/c"].includes(destination)),
      [
        { destination: "/etc/hosts", source: "/h", type: "bind", options: ["ro", "bind"] },
        { destination: "/a/b/c", source: "/d", options: ["rbind"] },
      ],
    );
    assert.deepEqual(after.hooks, { prestart: [{ path: "/hook" }] });
    assert.deepEqual(after.process.user.additionalGids, [6, 7]);
  });

  it("that the host lacks are told by name", () => {
    const missing = (): never => {
      throw new GantryError("invalid", "NO_SUCH_DEVICE", 'custom device "/dev/x": no such file or directory');
    };
    assert.throws(() => injectCdi(planSpec(plainFacts()), [{ deviceNodes: [{ path: "/dev/x" }] }], missing), {
      message: 'CDI device injection failed: failed to stat CDI host device "/dev/x": no such file or directory',
    });
  });
});

describe("device requests", () => {
  const gpus = known([spec("nvidia.com/gpu", ["0", "all"])]);
  const gpu = { Capabilities: [["gpu"]] };

  it("become names of devices", () => {
    assert.deepEqual(namesOfRequests([{ ...gpu, Count: -1 }], gpus), ["nvidia.com/gpu=all"]);
    assert.deepEqual(namesOfRequests([{ ...gpu, Driver: "nvidia", Count: 2 }], gpus), [
      "nvidia.com/gpu=0",
      "nvidia.com/gpu=1",
    ]);
    assert.deepEqual(namesOfRequests([{ ...gpu, DeviceIDs: ["GPU-7"] }], gpus), ["nvidia.com/gpu=GPU-7"]);
    assert.deepEqual(namesOfRequests([{ Driver: "cdi", DeviceIDs: ["a.com/b=c"] }], new Map()), ["a.com/b=c"]);
    assert.deepEqual(namesOfRequests(null, gpus), []);
  });

  it("that nobody serves are refused in Docker's words", () => {
    const refused = (request: object, message: string): void =>
      assert.throws(() => namesOfRequests([request], gpus), { message });
    const none = 'could not select device driver "" with capabilities: [[gpu]]';
    assert.throws(() => namesOfRequests([{ ...gpu, Count: -1 }], new Map()), { message: none });
    refused(
      { Capabilities: [["gpu", "tpu"], ["x"]] },
      'could not select device driver "" with capabilities: [[gpu tpu] [x]]',
    );
    refused({ ...gpu, Driver: "amd" }, 'could not select device driver "amd" with capabilities: [[gpu]]');
    refused({ ...gpu, Count: 1, DeviceIDs: ["0"] }, "cannot set both Count and DeviceIDs on device request");
    refused({ Driver: "cdi", Count: 1 }, "unexpected count in CDI device request");
  });
});
