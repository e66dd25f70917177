// Bundles the two programs and the tar worker into dist/. Native modules stay outside, in node_modules.
import { build } from "esbuild";
import { rmSync } from "node:fs";
import { bundleCli } from "./cli-bundle.mjs";

const external = ["koffi", "@photostructure/sqlite"];
const common = { bundle: true, platform: "node", target: "node20", format: "esm", external, logLevel: "warning" };
// Bundled CommonJS packages call require for Node's own modules.
const banner = {
  js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
};

rmSync("dist", { recursive: true, force: true });
await bundleCli("dist");
await build({
  ...common,
  entryPoints: { gantryd: "src/bin/gantryd.ts", "tar-worker": "src/drivers/tar/worker.ts" },
  outdir: "dist",
  sourcemap: "linked",
  banner,
});
