import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { run, TestEngine } from "../support/engine.ts";
import { Comparison } from "./compare.ts";
import { Daemon } from "./daemon.ts";
import { differences } from "./differences.ts";
import { recorded } from "./recorded.ts";
import { rewordings } from "./rewordings.ts";
import { scenarios } from "./scenarios/index.ts";
import { shapeDifferences } from "./shape-differences.ts";
import { compareShapes, shapes } from "./shapes.ts";

const { cli, dockerd } = recorded.about();
const installed = (await run("docker", ["version", "--format", "{{.Client.Version}}"])).stdout.trim();
const minor = (version: string): string => version.split(".").slice(0, 2).join(".");
const skip =
  minor(installed) === minor(cli) ? false : `the answers were recorded with docker ${cli}, here is ${installed}`;

const comparison = new Comparison(rewordings, differences);
const engines: TestEngine[] = [];
const idle: Daemon[] = [];

before(async () => {
  engines.push(...(await Promise.all([1, 2].map(() => TestEngine.start({ busybox: false })))));
  for (const engine of engines) {
    const daemon = new Daemon(engine);
    await daemon.prepare();
    idle.push(daemon);
  }
});
after(() => Promise.all(engines.map((engine) => engine.end())));

async function withDaemon<T>(use: (daemon: Daemon) => Promise<T>): Promise<T> {
  const daemon = idle.pop() as Daemon;
  try {
    return await use(daemon);
  } finally {
    idle.push(daemon);
  }
}

describe(`answers as dockerd ${dockerd} did`, { concurrency: 2, skip }, () => {
  for (const scenario of scenarios.toSorted((a, b) => b.commands.length - a.commands.length)) {
    it(`to ${scenario.commands.length} commands on ${scenario.name}`, async () => {
      const answers = await withDaemon((daemon) => daemon.run(scenario));
      const problems = comparison.check(scenario.name, recorded.answers(scenario.name), answers);
      assert.deepEqual(
        problems.map(({ command, what }) => `$ ${command}\n  ${what}`),
        [],
      );
    });
  }

  it("with the same fields of the same types in the API's answers", async () => {
    const found = await withDaemon(shapes);
    assert.deepEqual(compareShapes(recorded.shapes(), found, shapeDifferences), []);
  });
});

describe("the lists of differences", { skip }, () => {
  it("hold nothing that is no longer met", () => {
    assert.deepEqual(comparison.unused(), []);
  });
});
