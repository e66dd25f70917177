import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { Asker } from "../support/api-asker.ts";
import { TestEngine } from "../support/engine.ts";
import { Swagger, WITHOUT_SPEC } from "../support/swagger.ts";
import { absentOperations } from "./scenarios/absent.ts";
import { containerOperations } from "./scenarios/containers.ts";
import { execOperations, streamOperations } from "./scenarios/streams.ts";
import { fileOperations } from "./scenarios/files.ts";
import { imageOperations } from "./scenarios/images.ts";
import { limitOperations } from "./scenarios/limits.ts";
import { networkOperations } from "./scenarios/networks.ts";
import { registryOperations } from "./scenarios/registry.ts";
import { systemOperations } from "./scenarios/system.ts";

/** The newest version, that of Docker 24, and the oldest: what differs is in src/server/encode/old-shapes.ts. */
for (const minor of [51, 43, 24]) {
  describe(`the API's operations in version 1.${minor}`, { skip: WITHOUT_SPEC }, () => {
    const api = new Asker(minor);
    let swagger: Swagger;
    let registry: RealRegistry;
    before(async () => {
      swagger = new Swagger();
      registry = await startRegistry({ htpasswd: true });
      api.begin(await TestEngine.start(), swagger);
    });
    after(async () => {
      await registry.stop();
      await api.engine.end();
    });

    containerOperations(api);
    limitOperations(api);
    streamOperations(api);
    execOperations(api);
    fileOperations(api);
    imageOperations(api);
    registryOperations(api, () => registry.host);
    networkOperations(api);
    systemOperations(api);
    absentOperations(api);

    it("every operation of the Swagger file was asked", () => {
      const { covered, all } = swagger;
      console.log(`API 1.${minor}: ${covered.size} of ${all.length} operations held against the Swagger file`);
      assert.deepEqual(
        all.filter((name) => !covered.has(name)),
        [],
      );
    });
  });
}
