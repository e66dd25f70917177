// Bundles the two programs, the tar worker and the SDK, with its declarations, into dist/. Native modules stay outside, in node_modules.
// What is there is replaced when all is done: an engine that runs from it may start its worker at any moment.
import { build } from "esbuild";
import { existsSync, renameSync, rmSync } from "node:fs";
import { bundleCli } from "./cli-bundle.mjs";
import { emitTypes } from "./sdk-types.mjs";

const external = ["koffi", "@photostructure/sqlite"];
const common = { bundle: true, platform: "node", target: "node20", format: "esm", external, logLevel: "warning" };
// Bundled CommonJS packages call require for Node's own modules.
const banner = {
  js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
};

const fresh = `dist.${process.pid}`;
const old = `${fresh}.old`;
try {
  const types = emitTypes(`${fresh}/types`);
  types.catch(() => {}); // awaited below
  await bundleCli(fresh);
  await build({
    ...common,
    entryPoints: { gantryd: "src/bin/gantryd.ts", "tar-worker": "src/drivers/tar/worker.ts" },
    outdir: fresh,
    sourcemap: "linked",
    banner,
  });
  await build({ ...common, entryPoints: { sdk: "src/sdk/index.ts" }, outdir: fresh, banner });
  await types;
  if (existsSync("dist")) renameSync("dist", old);
  renameSync(fresh, "dist");
} finally {
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
}
