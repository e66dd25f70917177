// Bundles the command line into dist/: gantry.cjs, gantry.cache (V8's code cache, filled by running the everyday
// commands once against an engine that is played here) and gantry-start.cjs, which bin/gantry runs.
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";

const WARM_UP = `
  const { writeFileSync } = require("node:fs");
  const { script, start } = require(process.argv[1]);
  const [, , cache, ...lines] = process.argv;
  const next = () => {
    const line = lines.shift();
    if (line === undefined) {
      writeFileSync(cache, script.createCachedData());
      process.reallyExit(0);
    }
    process.argv = ["node", "gantry", ...line.split(" ")];
    start();
  };
  process.exit = () => setImmediate(next);
  next();
`;
const COMMANDS = [
  "ps",
  "run --rm -e A=1 -p 80:80 -v /a:/b x true",
  "run -d x",
  "exec c true",
  "logs c",
  "images",
  "inspect c",
  "rm -f c",
];

/** Says yes to everything. */
function playedEngine() {
  const container = { Id: "c", Config: { Tty: false }, State: { Running: true }, HostConfig: {} };
  const answers = [
    [/\/containers\/json|\/images\/json/, []],
    [/\/json$/, { ...container, ExitCode: 0 }],
    [/\/wait/, { StatusCode: 0 }],
    [/\/logs/, ""],
    [/\/create|\/exec$/, { Id: "c", Warnings: [] }],
  ];
  const server = createServer((request, response) => {
    const [, answer] = answers.find(([path]) => path.test(request.url)) ?? [];
    request.resume();
    response.writeHead(answer === undefined ? 204 : 200, { "Api-Version": "1.51" });
    response.end(answer === undefined || answer === "" ? undefined : JSON.stringify(answer));
  });
  return server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 101 UPGRADED\r\n\r\n"));
}

export async function bundleCli(outdir) {
  await build({
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["koffi"],
    entryPoints: ["src/bin/gantry.ts"],
    outfile: join(outdir, "gantry.cjs"),
    minify: true,
    charset: "ascii",
    // A script from the code cache has no import(): what is left of it becomes require().
    supported: { "dynamic-import": false },
    logLevel: "warning",
  });
  const starter = join(outdir, "gantry-start.cjs");
  copyFileSync("scripts/cli-start.cjs", starter);
  const folder = mkdtempSync(join(tmpdir(), "gantry-bundle-"));
  const socket = join(folder, "engine.sock");
  const server = playedEngine();
  await new Promise((resolve) => server.listen(socket, resolve));
  try {
    const argv = ["-e", WARM_UP, join(process.cwd(), starter), join(outdir, "gantry.cache"), ...COMMANDS];
    await promisify(execFile)(process.execPath, argv, {
      env: { ...process.env, GANTRY_HOST: `unix://${socket}` },
      timeout: 20_000,
    });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
