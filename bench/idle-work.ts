import { type Measured, measured } from "./measure.ts";
import { cpuOf, processesOf, sum } from "./processes.ts";
import { docker, type Side, wait } from "./side.ts";

const CONTAINERS = 20;
const WATCHED = 60_000;

/** What engines work while nobody asks for anything: for a minute, with no container and with twenty sleeping ones. */
export async function idleWork(sides: Side[]): Promise<Measured[]> {
  const without = await work(sides);
  for (const side of sides) {
    for (let n = 0; n < CONTAINERS; n++) await docker(side, ["run", "-d", "busybox", "sleep", "3600"]);
  }
  const withThem = await work(sides);
  for (const side of sides) await docker(side, ["rm", "-f", ...(await docker(side, ["ps", "-q"])).split("\n")]);
  return [
    measured("CPU of the idle engine in a minute", "ms", without),
    measured(`CPU of the idle engine in a minute, ${CONTAINERS} containers`, "ms", withThem),
  ];
}

/** Both at the same time: they leave each other alone. */
async function work(sides: Side[]): Promise<Measured["samples"]> {
  await wait(5000);
  const spent = (side: Side): number => sum(processesOf(side).engine.map(cpuOf));
  const before = sides.map(spent);
  await wait(WATCHED);
  const samples: Measured["samples"] = { dockerd: [], gantryd: [] };
  for (const [at, side] of sides.entries()) samples[side.name].push(spent(side) - before[at]!);
  return samples;
}
