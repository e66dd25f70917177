import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { Gantry, type LocalEngine } from "../../src/sdk/index.ts";
import { sdkCore } from "../support/sdk-core.ts";

describe("the SDK with an engine of its own", () => {
  let gantry: LocalEngine;
  before(async () => {
    gantry = await Gantry.start({ images: ["busybox"] });
  });
  after(async () => {
    await gantry.stop();
    assert.equal(fs.existsSync(gantry.folder), false);
  });

  sdkCore("as with every engine", "busybox", () => Promise.resolve(gantry));

  it("errors have a code and a hint", async () => {
    await assert.rejects(gantry.run("no-such-image", [], { pull: "never" }), { code: "NO_SUCH_IMAGE" });
    await assert.rejects(gantry.containers.get("nobody"), { code: "NO_SUCH_CONTAINER" });
    assert.throws(() => new Gantry({ host: "carrier-pigeon://x" }), { code: "BAD_HOST" });
    await assert.rejects(new Gantry({ host: "unix:///nowhere" }).version(), { code: "ENGINE_UNREACHABLE" });
  });

  it("an error within a stream has the engine's own kind, code and hint", async () => {
    const tar = fs.mkdtempSync("/tmp/gantry-sdk-");
    try {
      fs.writeFileSync(`${tar}/Dockerfile`, "FROM busybox\nCOPY nothing /\n");
      await assert.rejects(
        gantry.images.build({ context: tar }).finally(() => {}),
        (error: { code: string }) => {
          assert.notEqual(error.code, "DAEMON_ERROR");
          return true;
        },
      );
    } finally {
      fs.rmSync(tar, { recursive: true });
    }
  });
});
