import { run, TestEngine } from "../../support/engine.ts";
import { scratch } from "../../support/scratch.ts";
import { startPeer } from "../peer.ts";
import { type Builder, byBuildah, byDocker, byGantry, load, type Outcome } from "./builders.ts";
import { BuildComparison, type PeerName, WAYS } from "./compare.ts";
import { corpus } from "./corpus.ts";
import { buildDifferences } from "./differences.ts";
import { recordBuilds, recordedBuilds } from "./recorded.ts";

/** npm run compare:builds [-- --record] [-- CASE…]: what dockerd, buildah and gantryd make of the same Dockerfiles. */
const words = process.argv.slice(2);
const writes = words.includes("--record");
const names = words.filter((word) => !word.startsWith("--"));
const chosen = corpus.filter(({ name }) => names.length === 0 || names.includes(name));

using folder = scratch("builds");
const outcomes: Record<string, Record<string, Outcome>> = {};

async function all(name: string, builder: Builder): Promise<void> {
  const found: Record<string, Outcome> = (outcomes[name] = {});
  for (const one of chosen) found[one.name] = await builder.build(one);
}

async function dockerd(): Promise<void> {
  const peer = await startPeer();
  const env = {
    PATH: process.env["PATH"],
    HOME: folder.path,
    DOCKER_HOST: `unix://${peer.socket}`,
    DOCKER_BUILDKIT: "0",
  };
  try {
    await load("docker", env);
    await all("dockerd", byDocker(env, folder.sub("dockerd")));
  } finally {
    await peer.end();
  }
}

async function buildah(): Promise<void> {
  const builder = await byBuildah(folder.sub("buildah"));
  try {
    await all("buildah", builder);
  } finally {
    await builder.end();
  }
}

async function gantryd(): Promise<void> {
  const engine = await TestEngine.start({ busybox: false });
  try {
    await load("docker", engine.env);
    await all("docker build", byDocker(engine.env, folder.sub("docker")));
    await all("gantry build", byGantry(engine.env, folder.sub("gantry")));
  } finally {
    await engine.end();
  }
}

const version = async (program: string, ...args: string[]): Promise<string> =>
  /\d+\.\d+\.\d+/.exec((await run(program, args)).stdout)?.[0] ?? "";

const sides = await Promise.allSettled([dockerd(), buildah(), gantryd()]);
for (const side of sides) if (side.status === "rejected") throw side.reason;
const comparison = new BuildComparison(buildDifferences);
const versions: Record<PeerName, string> = {
  dockerd: await version(process.env["DOCKERD"] ?? "dockerd", "--version"),
  buildah: await version("buildah", "--version"),
};
let problems = 0;
for (const peer of ["dockerd", "buildah"] as const) {
  const theirs = outcomes[peer] ?? {};
  if (writes) {
    recordBuilds(peer, { version: versions[peer], outcomes: { ...recordedBuilds(peer).outcomes, ...theirs } });
  }
  for (const { name } of chosen) {
    for (const way of WAYS) {
      const found = comparison.check(name, [peer, way], theirs[name] ?? "fails", outcomes[way]?.[name] ?? "fails");
      problems += found.length;
      if (found.length > 0) console.log(`${name} (${way}, ${peer} | gantryd)\n  ${found.join("\n  ")}`);
    }
  }
}
if (names.length === 0) {
  const unused = comparison.unused();
  problems += unused.length;
  for (const line of unused) console.log(`listed and not met: ${line}`);
}
console.log(`\n${problems} differences that are not on the list`);
process.exitCode = problems === 0 ? 0 : 1;
