import { GANTRY } from "./gantry.ts";
import { inTurns, type Measured, measured, took } from "./measure.ts";
import { docker, run, type Side } from "./side.ts";

const MANY = 50;

const runOnBridge = (side: Side): Promise<string> => docker(side, ["run", "--rm", "busybox", "true"]);

export async function runWithBridge(sides: Side[]): Promise<Measured[]> {
  const samples = await inTurns(sides, 15, (side) => took(() => runOnBridge(side)), 2);
  return [measured("run --rm busybox true", "ms", samples, { ratio: 0.35 })];
}

export async function runWithoutNetwork(sides: Side[]): Promise<Measured[]> {
  const samples = await inTurns(
    sides,
    15,
    (side) => took(() => docker(side, ["run", "--rm", "--network", "none", "busybox", "true"])),
    2,
  );
  return [measured("run --rm --network none busybox true", "ms", samples, { ratio: 0.35 })];
}

/** Gantry's own client on gantryd against the docker client on dockerd. */
export async function ownClient(sides: Side[]): Promise<Measured[]> {
  const samples = await inTurns(
    sides,
    15,
    (side) =>
      took(() =>
        side.name === "dockerd"
          ? runOnBridge(side)
          : run(GANTRY, ["run", "--rm", "busybox", "true"], { env: side.env }),
      ),
    2,
  );
  return [measured("gantry run against docker run", "ms", samples, { ratio: 0.5 })];
}

export async function exec(sides: Side[]): Promise<Measured[]> {
  for (const side of sides) await docker(side, ["run", "-d", "--name", "stays", "busybox", "sleep", "3600"]);
  const samples = await inTurns(sides, 15, (side) => took(() => docker(side, ["exec", "stays", "true"])), 2);
  for (const side of sides) await docker(side, ["rm", "-f", "stays"]);
  return [measured("exec true", "ms", samples, { ratio: 0.7 })];
}

export async function startAndRemove(sides: Side[]): Promise<Measured[]> {
  const samples = await inTurns(sides, 10, (side) =>
    took(async () => {
      const id = await docker(side, ["run", "-d", "busybox", "sleep", "3600"]);
      await docker(side, ["rm", "-f", id]);
    }),
  );
  return [measured("run -d, then rm -f", "ms", samples)];
}

/** Fifty clients start a container each, at the same moment; then one client removes all of them. */
export async function manyAtOnce(sides: Side[]): Promise<Measured[]> {
  const removals: Measured["samples"] = { dockerd: [], gantryd: [] };
  const starts = await inTurns(
    sides,
    4,
    async (side) => {
      let ids: string[] = [];
      const args = ["run", "-d", "busybox", "sleep", "3600"];
      const started = await took(async () => {
        ids = await Promise.all(Array.from({ length: MANY }, () => docker(side, args, { timeout: 120_000 })));
      });
      removals[side.name].push(await took(() => docker(side, ["rm", "-f", ...ids], { timeout: 120_000 })));
      return started;
    },
    0,
  );
  return [
    measured(`${MANY} containers at once: run -d`, "ms", starts, { ratio: 0.35 }),
    measured(`${MANY} containers at once: rm -f`, "ms", removals),
  ];
}
