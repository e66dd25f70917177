import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import { isUp } from "../../engine/containers/record.ts";
import type { ContainerEntry } from "../../engine/containers/registry.ts";
import type { Sample } from "../../engine/containers/stats/feed.ts";
import type { Call, Route } from "../call.ts";
import { encodeStats } from "../encode/stats.ts";

export interface StatsRoutesDeps {
  containers: Containers;
  /** In bytes. */
  hostMemory: number;
}

export function statsRoutes(deps: StatsRoutesDeps): Route[] {
  return [{ method: "GET", path: "/containers/:name/stats", handler: (call) => stats(deps, call) }];
}

async function stats({ containers, hostMemory }: StatsRoutesDeps, call: Call): Promise<void> {
  const entry = containers.find(call.param("name"));
  const stream = call.flag("stream", true);
  const oneShot = call.atLeast(41) && call.flag("one-shot");
  if (stream && oneShot) {
    throw new GantryError("invalid", "BAD_QUERY", "cannot have stream=true and one-shot=true");
  }
  const encode = (sample: Sample) => encodeStats(entry.record, sample, hostMemory);
  if (stream) return follow(containers, entry, call, encode);
  const single = oneShot || !isUp(entry.record) ? containers.stats.once(entry) : await next(containers, entry, call);
  call.send(200, encode(single));
}

/** The next sample, with one before it to compare; an empty one once the container is removed. */
function next(containers: Containers, entry: ContainerEntry, call: Call): Promise<Sample> {
  return new Promise((resolve) => {
    const done = (sample: Sample): void => {
      leave();
      call.signal.removeEventListener("abort", onAbort);
      resolve(sample);
    };
    const onAbort = (): void => done({});
    const leave = containers.stats.watch(entry, { onSample: done, onGone: onAbort });
    call.signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** A line each second until the client or the container goes. A client that doesn't read misses some. */
function follow(
  containers: Containers,
  entry: ContainerEntry,
  call: Call,
  encode: (sample: Sample) => object,
): Promise<void> {
  const out = call.stream("application/json");
  return new Promise((resolve) => {
    const end = (): void => {
      leave();
      out.end();
      resolve();
    };
    const leave = containers.stats.watch(entry, {
      onSample(sample) {
        if (!out.writableNeedDrain) out.write(`${JSON.stringify(encode(sample))}\n`);
      },
      onGone: end,
    });
    call.signal.addEventListener("abort", end, { once: true });
  });
}
