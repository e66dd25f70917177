import { GantryError } from "../../base/errors.ts";
import { parseDuration } from "../../base/units.ts";
import type { Builder } from "../../build/builder.ts";
import type { CacheItem } from "../../build/cache-keeper.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BuildCacheRecord } from "../../wire/types/images.ts";
import type { Call, Route } from "../call.ts";

export interface BuildCacheRoutesDeps {
  builder: Pick<Builder, "prune">;
  clock: Pick<Clock, "now">;
  /** A prune is over; bytes that it freed. */
  onPruned: (bytes: number) => void;
}

/** POST /build/prune. */
export function buildCacheRoutes(deps: BuildCacheRoutesDeps): Route[] {
  return [{ method: "POST", path: "/build/prune", handler: (call) => prune(deps, call) }];
}

/** Two names of one thing. */
const MOMENTS = ["until", "unused-for"];

/** What a filter asks of an item. */
const TESTS: Record<string, (item: CacheItem, value: string) => boolean> = {
  id: (item, value) => item.id.startsWith(value),
  type: (item, value) => item.type === value,
  description: (item, value) => item.description.includes(value),
  parent: (item, value) => item.parents.some((one) => one.startsWith(value)),
  parents: (item, value) => item.parents.some((one) => one.startsWith(value)),
  inuse: (item, value) => item.inUse === flagOf("inuse", value),
  shared: (item, value) => item.shared === flagOf("shared", value),
  private: (item, value) => item.shared !== flagOf("private", value),
};

const invalid = (why: string): GantryError =>
  new GantryError("invalid", "BAD_FILTERS", `failed to prune build cache: ${why}`);

function flagOf(name: string, value: string): boolean {
  if (["", "1", "true"].includes(value)) return true;
  if (["0", "false"].includes(value)) return false;
  throw invalid(`invalid filter '${name}=${value}'`);
}

async function prune(deps: BuildCacheRoutesDeps, call: Call): Promise<void> {
  const filters = call.filters();
  for (const [name, values] of filters) {
    if (!MOMENTS.includes(name) && !Object.hasOwn(TESTS, name)) throw invalid(`invalid filter '${name}'`);
    if (values.length > 1) throw invalid(`filter '${name}' expects only one value`);
  }
  const until = MOMENTS.flatMap((name) => filters.get(name) ?? [])[0];
  const tests = [...filters].filter(([name]) => Object.hasOwn(TESTS, name));
  const { deleted, bytes } = await deps.builder.prune({
    all: call.flag("all"),
    matches: (item) => tests.every(([name, [value = ""]]) => TESTS[name]!(item, value)),
    ...(until === undefined ? {} : { until: moment(until, deps.clock.now()) }),
    // The name before API 1.48, which clients still send, and the one since.
    ...bytesOf("reserved", call.int("reserved-space") ?? call.int("keep-storage")),
    ...bytesOf("most", call.int("max-used-space")),
    ...bytesOf("free", call.int("min-free-space")),
  });
  deps.onPruned(bytes);
  call.send(200, { CachesDeleted: deleted, SpaceReclaimed: bytes });
}

const bytesOf = (name: "reserved" | "most" | "free", bytes: number | undefined): Record<string, number> =>
  bytes === undefined ? {} : { [name]: bytes };

/** A duration back from now ("24h"), an RFC 3339 time or seconds since the epoch; in ms. */
function moment(text: string, now: number): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? now - parseDuration(text) / 1e6 : date;
}

/** The cache as `system df` lists it: a layer that an image or an earlier row counts is shared, so that sums come out right. */
export function cacheRows(items: readonly CacheItem[]): BuildCacheRecord[] {
  const counted = new Set<string>();
  return items.map((item) => {
    const { id, type, description, inUse, chainId, bytes, created, lastUsed, uses, parents } = item;
    const shared = item.shared || (chainId !== undefined && counted.has(chainId));
    if (chainId !== undefined) counted.add(chainId);
    return {
      ID: id,
      ...(parents.length > 0 && { Parents: parents }),
      Type: type,
      Description: description,
      InUse: inUse,
      Shared: shared,
      Size: bytes,
      CreatedAt: created,
      LastUsedAt: lastUsed ?? null,
      UsageCount: uses,
    };
  });
}
