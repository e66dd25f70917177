import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSpec } from "../../../../src/drivers/cdi/check-spec.ts";

const device = { name: "one", containerEdits: { env: ["A=b"] } };
const spec = (more: object = {}): object => ({ cdiVersion: "0.6.0", kind: "a.com/b", devices: [device], ...more });
const edits = (containerEdits: object): object => spec({ devices: [{ name: "one", containerEdits }] });

describe("a CDI specification", () => {
  it("is taken as it is written", () => {
    const whole = edits({
      env: ["A=b"],
      deviceNodes: [{ path: "/dev/a", hostPath: "/dev/b", type: "c", major: 1, minor: 2, permissions: "rw", uid: 3 }],
      mounts: [{ hostPath: "/a", containerPath: "/b", options: ["ro"] }],
      hooks: [{ hookName: "createContainer", path: "/bin/true", args: ["true"], timeout: 2 }],
      additionalGids: [7],
    });
    assert.equal(checkSpec(whole), whole);
  });

  it("is refused, with the reason, when it is malformed", () => {
    const cases: [unknown, RegExp][] = [
      [[], /an object is expected/],
      [spec({ cdiVersion: "one" }), /invalid CDI Spec version/],
      [spec({ kind: "gpu" }), /invalid kind "gpu"/],
      [spec({ devices: [] }), /no devices/],
      [spec({ devices: [device, device] }), /multiple device "one"/],
      [spec({ devices: [{ name: "a/b" }] }), /invalid device name "a\/b"/],
      [spec({ containerEdits: { env: ["=b"] } }), /invalid container edits: env/],
      [edits({ env: "A=b" }), /env must be a list/],
      [edits({ deviceNodes: [{ path: "dev/a" }] }), /deviceNodes/],
      [edits({ deviceNodes: [{ path: "/dev/a", permissions: "x" }] }), /deviceNodes/],
      [edits({ mounts: [{ hostPath: "/a", containerPath: "b" }] }), /mounts/],
      [edits({ hooks: [{ hookName: "never", path: "/bin/true" }] }), /hooks/],
      [edits({ additionalGids: ["7"] }), /additionalGids/],
    ];
    for (const [value, words] of cases) assert.throws(() => checkSpec(value), words);
  });
});
