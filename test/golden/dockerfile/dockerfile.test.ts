import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GantryError } from "../../../src/base/errors.ts";
import { parseDockerfile } from "../../../src/build/parse/dockerfile.ts";
import { dockerfileError, Problem } from "../../../src/build/parse/problem.ts";
import { planBuild } from "../../../src/build/stages.ts";

/**
 * Each NAME.Dockerfile has a NAME.json: the instructions and the plan for its last stage, or the error's words.
 * UPDATE_GOLDEN=1 writes them anew: read the difference before keeping it.
 */
const folder = path.dirname(fileURLToPath(import.meta.url));
const amd64 = { os: "linux", architecture: "amd64" };

function outcome(text: string): unknown {
  try {
    const dockerfile = parseDockerfile(text);
    const plan = planBuild(dockerfile, {
      contexts: {},
      buildArgs: {},
      labels: {},
      buildPlatform: amd64,
      targetPlatform: amd64,
    });
    return {
      ...dockerfile,
      instructions: dockerfile.instructions.map(({ origin, ...body }) => ({
        lines: `${origin.line}-${origin.endLine}`,
        text: origin.text,
        ...body,
      })),
      plan: plan.planned.map(({ stage, from, steps }) => ({
        stage: stage.name ?? stage.index,
        base: stage.base,
        steps: [from, ...steps].map(({ step, instruction }) => `${step.number}/${step.total} ${instruction.kind}`),
      })),
    };
  } catch (error) {
    const shown = error instanceof Problem ? dockerfileError(error, "Dockerfile", text.split("\n")) : error;
    if (!(shown instanceof GantryError)) throw error;
    return { error: { kind: shown.kind, code: shown.code, message: shown.message.split("\n"), hint: shown.hint } };
  }
}

const names = fs
  .readdirSync(folder)
  .filter((name) => name.endsWith(".Dockerfile"))
  .map((name) => name.slice(0, -".Dockerfile".length));

test("there are at least 40 Dockerfiles to hold the parser against", () => assert.ok(names.length >= 40));

for (const name of names) {
  test(`the Dockerfile ${name} gives the expected instructions and plan`, () => {
    const actual: unknown = JSON.parse(
      JSON.stringify(outcome(fs.readFileSync(path.join(folder, `${name}.Dockerfile`), "utf8"))),
    );
    const expected = path.join(folder, `${name}.json`);
    if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(expected, `${JSON.stringify(actual, null, 2)}\n`);
    assert.deepEqual(actual, JSON.parse(fs.readFileSync(expected, "utf8")));
  });
}
