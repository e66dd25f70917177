import { type Measured, measured, median } from "./measure.ts";
import { processesOf, read, sum } from "./processes.ts";
import { docker, type Side, wait } from "./side.ts";

const CONTAINERS = 20;
const MB = 1000 * 1000;

interface Use {
  engine: number;
  monitors: number;
}

/** Milliseconds without a request after which an engine is called idle. Both get them. */
const REST = 12_000;

/** What the engines take when nothing runs and nobody has asked for anything in a while. */
export async function idle(sides: Side[], when: string): Promise<Measured[]> {
  const samples: Measured["samples"] = { dockerd: [], gantryd: [] };
  await wait(REST);
  for (const side of sides) samples[side.name].push((await settledUse(side)).engine / MB);
  return [measured(`memory of the idle engine, ${when}`, "MB", samples, { most: 100 })];
}

/** What twenty sleeping containers add: their monitors, and the growth of the engine itself; not what runs in them. */
export async function perContainer(sides: Side[]): Promise<Measured[]> {
  const all: Measured["samples"] = { dockerd: [], gantryd: [] };
  const monitors: Measured["samples"] = { dockerd: [], gantryd: [] };
  for (const side of sides) {
    const before = await settledUse(side);
    const ids: string[] = [];
    for (let n = 0; n < CONTAINERS; n++) ids.push(await docker(side, ["run", "-d", "busybox", "sleep", "3600"]));
    const after = await settledUse(side);
    const grown = Math.max(0, after.engine - before.engine) / CONTAINERS / MB;
    monitors[side.name].push((after.monitors - before.monitors) / CONTAINERS / MB);
    all[side.name].push(monitors[side.name][0]! + grown);
    await docker(side, ["rm", "-f", ...ids]);
  }
  return [
    measured("memory for each container", "MB", all, { most: 3 }),
    measured("memory for each container: its monitor", "MB", monitors),
  ];
}

/** After a moment of rest, the median of three looks. */
async function settledUse(side: Side): Promise<Use> {
  const looks: Use[] = [];
  for (let n = 0; n < 3; n++) {
    await wait(700);
    looks.push(use(side));
  }
  return { engine: median(looks.map(({ engine }) => engine)), monitors: median(looks.map(({ monitors }) => monitors)) };
}

/** Proportional set sizes in bytes. The engine: its process and all below it (containerd, proxies). */
function use(side: Side): Use {
  const { engine, monitors } = processesOf(side);
  return { engine: sum(engine.map(pssOf)), monitors: sum(monitors.map(pssOf)) };
}

const pssOf = (pid: number): number => 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(read(pid, "smaps_rollup"))?.[1] ?? 0);
