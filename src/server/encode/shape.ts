import type { ShapeRecord } from "../../engine/networks/record.ts";
import type { NetworkShape } from "../../wire/types/networks.ts";

export function networkShape({ shape, until }: ShapeRecord): NetworkShape {
  const { delay, jitter, loss, duplicate, corrupt, reorder, rate } = shape;
  return {
    ...(delay !== undefined && { Delay: delay }),
    ...(jitter !== undefined && { Jitter: jitter }),
    ...(loss !== undefined && { Loss: loss }),
    ...(duplicate !== undefined && { Duplicate: duplicate }),
    ...(corrupt !== undefined && { Corrupt: corrupt }),
    ...(reorder !== undefined && { Reorder: reorder }),
    ...(rate !== undefined && { Rate: rate }),
    ...(until !== undefined && { Until: new Date(until).toISOString() }),
  };
}

/** By network name. */
export const networkShapes = (shapes: Record<string, ShapeRecord>): Record<string, NetworkShape> =>
  Object.fromEntries(Object.entries(shapes).map(([network, shape]) => [network, networkShape(shape)]));
