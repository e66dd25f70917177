import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../../support/engine.ts";
import { scratch } from "../../support/scratch.ts";
import { type Builder, byDocker, byGantry, load } from "./builders.ts";
import { BuildComparison, WAYS, type Way } from "./compare.ts";
import { corpus } from "./corpus.ts";
import { buildDifferences } from "./differences.ts";
import { recordedBuilds } from "./recorded.ts";

const peers = { dockerd: recordedBuilds("dockerd"), buildah: recordedBuilds("buildah") };
const comparison = new BuildComparison(buildDifferences);
const folder = scratch("builds");
const engines: TestEngine[] = [];
const builders = new Map<Way, Builder>();

before(async () => {
  // One for each way, so that the cache of the one is no help to the other.
  const [first, second] = await Promise.all(WAYS.map(() => TestEngine.start({ busybox: false })));
  assert.ok(first && second);
  engines.push(first, second);
  await Promise.all(engines.map((engine) => load("docker", engine.env)));
  builders.set("docker build", byDocker(first.env, folder.sub("docker")));
  builders.set("gantry build", byGantry(second.env, folder.sub("gantry")));
});
after(async () => {
  await Promise.all(engines.map((engine) => engine.end()));
  fs.rmSync(folder.path, { recursive: true });
});

describe("an image has the files and the settings that other builders give it", { concurrency: 2 }, () => {
  for (const way of WAYS) {
    describe(`by ${way}`, { concurrency: 1 }, () => {
      // Without a context the ways are one.
      for (const one of corpus.filter(({ context }) => way === "docker build" || context.length > 0)) {
        it(one.name, async () => {
          const outcome = await builders.get(way)!.build(one);
          for (const [peer, { version, outcomes }] of Object.entries(peers) as [
            keyof typeof peers,
            typeof peers.dockerd,
          ][]) {
            const theirs = outcomes[one.name];
            assert.ok(theirs, "has no recorded outcome: npm run compare:builds -- --record");
            assert.deepEqual(
              comparison.check(one.name, [peer, way], theirs, outcome),
              [],
              `${peer} ${version} | gantryd`,
            );
          }
        });
      }
    });
  }
});

describe("the list of differences", () => {
  it("holds nothing that is no longer met", () => assert.deepEqual(comparison.unused(), []));
});
