import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { inTurns, type Measured, measured, took } from "./measure.ts";
import { docker, run, type Side, until } from "./side.ts";

const TEN_STEPS = `FROM busybox
ENV A=1 B=2
WORKDIR /work
COPY one.txt .
RUN wc -c one.txt > one.size
COPY two.txt .
RUN cat one.txt two.txt > both.txt && md5sum both.txt
LABEL of=bench
RUN mkdir -p out && cp both.txt out/
CMD ["cat", "out/both.txt"]
`;
const LAYERS = 4;
const LAYER_BYTES = 25 * 1024 * 1024;
const PORT = 5961;
const NAME = `127.0.0.1:${PORT}/bench`;

export async function builds(sides: Side[], folder: string): Promise<Measured[]> {
  const context = path.join(folder, "ten-steps");
  fs.mkdirSync(context);
  fs.writeFileSync(path.join(context, "Dockerfile"), TEN_STEPS);
  fs.writeFileSync(path.join(context, "one.txt"), "one\n".repeat(1000));
  fs.writeFileSync(path.join(context, "two.txt"), "two\n".repeat(1000));
  const build = (side: Side, ...flags: string[]): Promise<number> =>
    took(() => docker(side, ["build", ...flags, "-q", "-t", "ten-steps", context], { timeout: 120_000 }));
  const uncached = await inTurns(sides, 5, (side) => build(side, "--no-cache"));
  const cached = await inTurns(sides, 10, (side) => build(side));
  for (const side of sides) await docker(side, ["rmi", "ten-steps"]);
  return [
    measured("build of ten steps, uncached", "ms", uncached),
    measured("build of ten steps, cached", "ms", cached),
  ];
}

/** Push and pull of an image of 100 MB in four layers, new in every round, against a registry on the engine's loopback. */
export async function transfers(sides: Side[], folder: string): Promise<Measured[]> {
  const registries: { stop(): void }[] = [];
  try {
    for (const side of sides) registries.push(await startRegistry(side, path.join(folder, `registry-${side.name}`)));
    const pulls: Measured["samples"] = { dockerd: [], gantryd: [] };
    const context = path.join(folder, "hundred-megabytes");
    fs.mkdirSync(context);
    const pushes = await inTurns(
      sides,
      3,
      async (side, round) => {
        fillContext(context);
        const tag = `${NAME}:${round}`;
        await docker(side, ["build", "-q", "-t", tag, context], { timeout: 120_000 });
        const pushed = await took(() => docker(side, ["push", "-q", tag], { timeout: 120_000 }));
        await docker(side, ["rmi", tag]);
        await docker(side, ["builder", "prune", "-af"]).catch(() => ""); // dockerd's classic cache is the image
        pulls[side.name].push(await took(() => docker(side, ["pull", "-q", tag], { timeout: 120_000 })));
        await docker(side, ["rmi", tag]);
        return pushed;
      },
      0,
    );
    return [measured("push of 100 MB", "ms", pushes), measured("pull of 100 MB", "ms", pulls)];
  } finally {
    for (const registry of registries) registry.stop();
  }
}

/** Layers that compress to about a half, as software does: noise and repetition in turns. */
function fillContext(context: string): void {
  const block = 64 * 1024;
  for (let layer = 0; layer < LAYERS; layer++) {
    const bytes = randomBytes(LAYER_BYTES);
    for (let at = 0; at < LAYER_BYTES; at += 2 * block) bytes.fill(bytes.subarray(at, at + 256), at, at + block);
    fs.writeFileSync(path.join(context, `layer-${layer}`), bytes);
  }
  const copies = Array.from({ length: LAYERS }, (_, layer) => `COPY layer-${layer} /`);
  fs.writeFileSync(path.join(context, "Dockerfile"), ["FROM scratch", ...copies, 'CMD ["/none"]', ""].join("\n"));
}

async function startRegistry(side: Side, folder: string): Promise<{ stop(): void }> {
  fs.mkdirSync(folder);
  const config = path.join(folder, "config.yml");
  fs.writeFileSync(
    config,
    [
      "version: 0.1",
      "log: {level: error, accesslog: {disabled: true}}",
      `storage: {filesystem: {rootdirectory: ${folder}/data}}`,
      `http: {addr: "127.0.0.1:${PORT}"}`,
      "",
    ].join("\n"),
  );
  const inside = ["nsenter", `--net=${side.netns}`];
  const [file, ...args] = [...inside, "docker-registry", "serve", config];
  const child = spawn(file!, args, { stdio: "ignore" });
  const probe = "import('node:net').then(n => n.connect(+process.argv[1], '127.0.0.1', () => process.exit(0)))";
  const [looker, ...look] = [...inside, process.execPath, "-e", probe, String(PORT)];
  await until("the registry to listen", async () => {
    await run(looker!, look);
    return true;
  });
  return { stop: () => child.kill("SIGKILL") };
}
