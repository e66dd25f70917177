import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutOwnFiles } from "../../../../src/engine/containers/own-files.ts";

const added = (path: string) => ({ path, kind: 1 as const });
const changed = (path: string) => ({ path, kind: 0 as const });

describe("a container's changes", () => {
  it("leave out the engine's own files, and the folder that changed for them alone", () => {
    const own = [added("/.dockerenv"), changed("/etc"), added("/etc/hosts"), added("/etc/resolv.conf")];
    assert.deepEqual(withoutOwnFiles(own), []);
    assert.deepEqual(withoutOwnFiles([...own, added("/etc/x")]), [changed("/etc"), added("/etc/x")]);
    assert.deepEqual(withoutOwnFiles([added("/.dockerenv"), changed("/etc")]), [changed("/etc")]);
  });

  it("keep what happened to such files of the image", () => {
    const theirs = [{ path: "/.dockerenv", kind: 2 as const }, changed("/etc"), changed("/etc/hosts")];
    assert.deepEqual(withoutOwnFiles(theirs), theirs);
  });
});
