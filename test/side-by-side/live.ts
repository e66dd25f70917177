import { run, TestEngine } from "../support/engine.ts";
import { Comparison, type Problem } from "./compare.ts";
import { type Address, Daemon } from "./daemon.ts";
import { differences } from "./differences.ts";
import { startPeer } from "./peer.ts";
import { record } from "./recorded.ts";
import { rewordings } from "./rewordings.ts";
import { scenarios } from "./scenarios/index.ts";
import { shapeDifferences } from "./shape-differences.ts";
import { compareShapes, shapes } from "./shapes.ts";

/** npm run compare [-- --record] [-- SCENARIO…]: a dockerd and a gantryd, both now, and what they answer differently. */
const words = process.argv.slice(2);
const writes = words.includes("--record");
const names = words.filter((word) => !word.startsWith("--"));
const chosen = scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
const withShapes = names.length === 0 || names.includes("api-shapes");

interface Side {
  daemon: Daemon;
  address: Address;
  end(): Promise<void>;
}

async function theirs(): Promise<Side> {
  const peer = await startPeer();
  return { daemon: new Daemon(peer), address: peer, end: () => peer.end() };
}

async function ours(): Promise<Side> {
  const engine = await TestEngine.start({ busybox: false });
  return { daemon: new Daemon(engine), address: engine, end: () => engine.end() };
}

const sides = await Promise.allSettled([theirs(), ours()]);
const up = sides.flatMap((side) => (side.status === "fulfilled" ? [side.value] : []));
let problems: Problem[] = [];
try {
  for (const side of sides) if (side.status === "rejected") throw side.reason;
  const [peer, own] = up as [Side, Side];
  await Promise.all([peer.daemon.prepare(), own.daemon.prepare()]);
  const comparison = new Comparison(rewordings, differences);
  for (const scenario of chosen) {
    const [their, our] = await Promise.all([peer.daemon.run(scenario), own.daemon.run(scenario)]);
    if (writes) record(scenario.name, their);
    problems.push(...comparison.check(scenario.name, their, our));
    console.error(`${scenario.name}: ${scenario.commands.length} commands`);
  }
  if (withShapes) {
    const [their, our] = await Promise.all([shapes(peer.daemon), shapes(own.daemon)]);
    if (writes) record("api-shapes", their);
    for (const what of compareShapes(their, our, shapeDifferences)) {
      problems.push({ scenario: "api-shapes", command: "", what });
    }
  }
  if (writes) {
    const version = await run("docker", ["-H", `unix://${peer.address.socket}`, "version", "--format", "{{json .}}"]);
    const { Client, Server } = JSON.parse(version.stdout) as Record<"Client" | "Server", { Version: string }>;
    record("about", { dockerd: Server.Version, cli: Client.Version });
  }
  if (names.length === 0)
    problems.push(...comparison.unused().map((what) => ({ scenario: "lists", command: "", what })));
} finally {
  for (const side of up) await side.end();
}
let last = "";
for (const { scenario, command, what } of problems) {
  const title = `${scenario} $ ${command}`;
  if (title !== last) console.log(`\n${title}`);
  last = title;
  console.log(`  ${what}`);
}
console.log(`\n${problems.length} differences that are not on the lists`);
process.exitCode = problems.length === 0 ? 0 : 1;
