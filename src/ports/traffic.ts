import type { TrafficShape } from "../base/traffic-shape.ts";

/** A cable by its two ends: one on the host, one in a container's network namespace. */
export interface CableEnds {
  hostName: string;
  /** Path of the namespace. */
  netns: string;
  /** Of the end in it. */
  name: string;
}

/**
 * Makes cables slow, narrow or lossy, in both directions. Synchronous. Ends with the cable, but for what `clear` or `sweep`
 * takes off the host. Errors: internal SHAPING_FAILED.
 */
export interface Traffic {
  /** Whether this kernel can do it; nothing is changed. Throws unavailable CANNOT_SHAPE: what is missing, and the way out. */
  require(shape: TrafficShape): void;
  /** In place of an earlier shape. Errors: as `require`. */
  shape(cable: CableEnds, shape: TrafficShape): void;
  /** A cable that is gone, or has no shape, is fine. */
  clear(cable: CableEnds): void;
  /** Takes away what is on the host of cables that are none of these. */
  sweep(hostNames: ReadonlySet<string>): void;
}
