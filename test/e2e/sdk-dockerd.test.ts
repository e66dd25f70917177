import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { startDockerd } from "../../bench/peer.ts";
import type { Side } from "../../bench/side.ts";
import { Gantry } from "../../src/sdk/index.ts";
import { importBusybox } from "../support/dockerd-busybox.ts";
import { run } from "../support/engine.ts";
import { sdkCore } from "../support/sdk-core.ts";

/** A dockerd that runs, whose published ports answer here. */
const HOST = process.env["GANTRY_TEST_DOCKER_HOST"];

const available = (program: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

if (HOST !== undefined) {
  const gantry = new Gantry({ host: HOST });
  const image = `sdk${randomBytes(4).toString("hex")}-busybox`;
  describe("the SDK with dockerd", () => {
    before(() => importBusybox(gantry, image));
    after(async () => {
      await gantry.images.remove(image, { force: true });
      gantry.close();
    });
    sdkCore("as with every engine", image, () => Promise.resolve(gantry));
  });
} else {
  describe("the SDK with dockerd", { skip: available("dockerd") ? false : "dockerd is not installed" }, () => {
    let folder: string;
    let dockerd: Side;
    before(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-dockerd-"));
      dockerd = await startDockerd(folder);
    });
    after(async () => {
      await dockerd?.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    });

    it("does what it does with gantryd", async () => {
      const { NODE_TEST_CONTEXT: _, ...env } = process.env; // or it would report to our own runner
      const own = { ...env, GANTRY_TEST_DOCKER_HOST: String(dockerd.env["DOCKER_HOST"]) };
      const node = [process.execPath, "--import", "tsx", "--test-reporter=spec", import.meta.filename];
      const ran = await run("nsenter", [`--net=${dockerd.netns}`, "--", ...node], { env: own, timeout: 120_000 });
      assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
      assert.match(ran.stdout, /pass 1\d/);
    });
  });
}
