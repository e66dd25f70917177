import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ran, run } from "../support/engine.ts";

const REPO = path.resolve(import.meta.dirname, "../..");

const PROGRAM = `
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Gantry, GantryError } from "gantry";

const engine = await Gantry.start({ images: ["busybox"] });
try {
  const { stdout } = await engine.run("busybox", ["echo", "by import"]);
  const env = { ...process.env, GANTRY_HOST: engine.host };
  const cli = await promisify(execFile)("npx", ["gantry", "run", "--rm", "busybox", "echo", "by npx"], { env });
  const failed = await engine.containers.get("nobody").catch((error) => error instanceof GantryError && error.code);
  console.log(JSON.stringify([stdout, cli.stdout, failed]));
} finally {
  await engine.stop();
}
`;

const TYPED = `
import { Gantry, type Container, type RunResult } from "gantry";

export async function use(): Promise<RunResult> {
  await using gantry = new Gantry();
  await using web: Container = await gantry.containers.start("nginx", { ports: [80], ready: { port: 80 } });
  for await (const { stream, line } of web.logs({ follow: true })) console.log(stream satisfies "stdout" | "stderr", line);
  // @ts-expect-error -- no such option
  await gantry.run("busybox", ["true"], { portz: [80] });
  return await web.exec(["true"]);
}
`;

describe("the npm package, packed and installed into an empty folder", () => {
  let folder: string;
  const here = (file: string, args: string[]): Promise<Ran> =>
    run(file, args, { cwd: folder, env: { PATH: process.env["PATH"], HOME: folder }, timeout: 60_000 });
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-package-"));
    const quiet = ["--silent", "--no-audit", "--no-fund", "--prefer-offline"];
    const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], {
      cwd: REPO,
      encoding: "utf8",
    }).trim();
    fs.writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }');
    execFileSync("npm", ["install", ...quiet, `./${packed}`], { cwd: folder, timeout: 60_000 });
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("has what runs and is read, and no sources, tests or maps", () => {
    const root = path.join(folder, "node_modules/gantry");
    const names = fs.readdirSync(root);
    for (const name of ["bin", "dist", "docs", "LICENSE", "README.md"]) assert.ok(names.includes(name), name);
    for (const name of ["src", "test", "bench", "scripts"]) assert.ok(!names.includes(name), name);
    const files = fs.readdirSync(root, { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      files.filter((name) => name.endsWith(".map")),
      [],
    );
  });

  it("gantry and gantryd are there for npx", async () => {
    const help = await here("npx", ["gantry", "--help"]);
    assert.match(help.stdout, /Usage: {2}gantry/);
    const version = await here("npx", ["gantryd", "--version"]);
    assert.equal(version.code, 0, version.stderr);
  });

  it("import { Gantry } starts an engine, and npx gantry run works with it", async () => {
    fs.writeFileSync(path.join(folder, "program.mjs"), PROGRAM);
    const ran = await here(process.execPath, ["program.mjs"]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(JSON.parse(ran.stdout), ["by import\n", "by npx\n", "NO_SUCH_CONTAINER"]);
  });

  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    it(`has types for moduleResolution ${moduleResolution}`, async () => {
      fs.writeFileSync(path.join(folder, "typed.ts"), TYPED);
      const compilerOptions = {
        ...{ module, moduleResolution, target: "es2022", lib: ["es2023", "esnext.disposable"], strict: true },
        ...{ noEmit: true, types: ["node"], typeRoots: [path.join(REPO, "node_modules/@types")] },
      };
      fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
      const checked = await here(process.execPath, [path.join(REPO, "node_modules/typescript/bin/tsc"), "-p", "."]);
      assert.equal(checked.code, 0, checked.stdout);
    });
  }
});
