import type { Digest } from "../../base/image-config.ts";
import { familiarName, type ImageReference } from "../../base/reference.ts";
import type { Catalog } from "./catalog.ts";
import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import {
  booleanFilter,
  checkFilterNames,
  createdMs,
  type Filters,
  globPattern,
  matchesLabels,
  matchesReference,
  untilFilter,
} from "./filters.ts";

/** As GET /images/json has it: Created in seconds, sizes in bytes, -1: not computed. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  Created: number;
  Size: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  Containers: number;
}

export interface ListOptions {
  /** Also images without a name that others were built on. */
  all?: boolean;
  filters?: Filters;
  /** Compute SharedSize. */
  sharedSize?: boolean;
  /** Compute Containers. */
  containerCount?: boolean;
}

/** Images, newest first. Throws invalid BAD_FILTERS, notFound NO_SUCH_IMAGE for `before` and `since`. */
export function list(deps: ImagesDeps, catalog: Catalog, options: ListOptions): ImageSummary[] {
  const filters = options.filters ?? new Map();
  checkFilterNames(filters, ["dangling", "label", "before", "since", "reference", "until"]);
  const dangling = booleanFilter(filters, "dangling");
  const time = (name: string): number | undefined => {
    const reference = filters.get(name)?.[0];
    return reference === undefined ? undefined : createdMs(catalog.resolve(reference));
  };
  const before = time("before");
  const since = time("since");
  const until = untilFilter(filters, deps.clock.now());
  const patterns = filters.get("reference")?.map(globPattern) ?? [];
  const records = catalog.all();
  const names = catalog.names();
  const parents = new Set(records.map((record) => record.parent));
  const uses = options.sharedSize ? layerUses(records) : undefined;
  const shown: { created: number; summary: ImageSummary }[] = [];
  for (const record of records) {
    const created = createdMs(record);
    if (before !== undefined && created >= before) continue;
    if (since !== undefined && created <= since) continue;
    if (until !== undefined && created > until) continue;
    if (!matchesLabels(record.config.config?.Labels, filters.get("label") ?? [])) continue;
    let own = names.get(record.id) ?? [];
    if (patterns.length > 0) {
      own = own.filter((name) => matchesReference(name, patterns));
      if (own.length === 0) continue;
    }
    if (own.length === 0 && parents.has(record.id) && !options.all) continue;
    if (dangling === true && own.some((name) => name.digest === undefined)) continue;
    if (dangling === false && own.length === 0) continue;
    shown.push({ created, summary: summaryOf(deps, record, own, options, uses) });
  }
  return shown
    .toSorted((a, b) => b.created - a.created || (a.summary.Id < b.summary.Id ? -1 : 1))
    .map(({ summary }) => summary);
}

export const tagsAmong = (names: ImageReference[]): string[] =>
  names
    .filter((name) => name.digest === undefined)
    .map(familiarName)
    .toSorted();

export const digestsAmong = (names: ImageReference[]): string[] =>
  names
    .filter((name) => name.digest !== undefined)
    .map(familiarName)
    .toSorted();

function summaryOf(
  deps: ImagesDeps,
  record: ImageRecord,
  names: ImageReference[],
  options: ListOptions,
  uses: Map<Digest, number> | undefined,
): ImageSummary {
  const shared = record.chain.filter((chainId) => (uses?.get(chainId) ?? 0) > 1);
  return {
    Id: record.id,
    ParentId: record.parent ?? "",
    RepoTags: tagsAmong(names),
    RepoDigests: digestsAmong(names),
    Created: Math.floor(createdMs(record) / 1000),
    Size: record.size,
    SharedSize: uses ? shared.reduce((sum, chainId) => sum + (deps.layers.get(chainId)?.size ?? 0), 0) : -1,
    Labels: record.config.config?.Labels ?? null,
    Containers: options.containerCount ? deps.usage.containersUsing(record.id).length : -1,
  };
}

function layerUses(records: ImageRecord[]): Map<Digest, number> {
  const uses = new Map<Digest, number>();
  for (const { chain } of records) for (const chainId of chain) uses.set(chainId, (uses.get(chainId) ?? 0) + 1);
  return uses;
}
