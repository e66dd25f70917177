import { parseRate } from "../base/traffic-shape.ts";
import type { ShapeRequest } from "../wire/types/networks.ts";

/** How a network is made worse, in each direction. Times in milliseconds, shares in percent of the packets. */
export interface Shape {
  delay?: number;
  /** By how much the delay varies, up and down. */
  jitter?: number;
  loss?: number;
  duplicate?: number;
  corrupt?: number;
  /** Packets that go at once instead of after the delay. */
  reorder?: number;
  /** Bits a second, or in words: "10mbit". */
  rate?: number | string;
  /** It ends by itself after that time. */
  for?: number;
}

const nanoseconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms * 1e6);

export const shapeRequest = (shape: Shape): ShapeRequest => ({
  Delay: nanoseconds(shape.delay),
  Jitter: nanoseconds(shape.jitter),
  Loss: shape.loss,
  Duplicate: shape.duplicate,
  Corrupt: shape.corrupt,
  Reorder: shape.reorder,
  Rate: typeof shape.rate === "string" ? parseRate(shape.rate) : shape.rate,
  Duration: nanoseconds(shape.for),
});
