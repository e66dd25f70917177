import type { Side } from "./side.ts";

/** One line of the result: a figure for each engine. */
export interface Measured {
  name: string;
  unit: "ms" | "MB" | "Gbit/s";
  dockerd: number;
  gantryd: number;
  /** All samples behind the two figures; none where an engine has no such thing. */
  samples: { dockerd: number[]; gantryd: number[] };
  /** What is to be reached: Gantry's share of dockerd's figure, at most or at least, or an amount of its own. */
  target?: { ratio?: number; least?: number; most?: number };
}

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

export function measured(
  name: string,
  unit: Measured["unit"],
  samples: Measured["samples"],
  target?: Measured["target"],
): Measured {
  const figures = { dockerd: median(samples.dockerd), gantryd: median(samples.gantryd) };
  return { name, unit, ...figures, samples, ...(target === undefined ? {} : { target }) };
}

/** Milliseconds that `body` takes. */
export async function took(body: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await body();
  return performance.now() - began;
}

/**
 * Times one thing on both engines: first unmeasured, then `times` rounds, the engines taking turns at being first, so
 * that what else the machine does meets both alike. `body` gives its own milliseconds where preparing is not to count.
 */
export async function inTurns(
  sides: Side[],
  times: number,
  body: (side: Side, round: number) => Promise<number>,
  warmUps = 1,
): Promise<Measured["samples"]> {
  const samples: Measured["samples"] = { dockerd: [], gantryd: [] };
  for (let round = -warmUps; round < times; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const ms = await body(side, round);
      if (round >= 0) samples[side.name].push(ms);
    }
  }
  return samples;
}
