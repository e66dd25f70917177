import { GantryError, isGantryError } from "../../base/errors.ts";
import { familiarName } from "../../base/reference.ts";
import type { ImageRecord, RemovedItem } from "./contract.ts";
import { booleanFilter, checkFilterNames, createdMs, type Filters, matchesLabels, untilFilter } from "./filters.ts";
import { remove, type RemoveParts } from "./remove.ts";

export interface Pruned {
  ImagesDeleted: RemovedItem[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

/** Deletes images that no container uses: untagged ones, or with `dangling=false` all. */
export async function prune(parts: RemoveParts, filters: Filters): Promise<Pruned> {
  checkFilterNames(filters, ["dangling", "label", "label!", "until"]);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const until = untilFilter(filters, parts.deps.clock.now());
  const wanted = filters.get("label") ?? [];
  const unwanted = filters.get("label!") ?? [];
  const chosen = parts.catalog.all().filter((record) => {
    const labels = record.config.config?.Labels;
    if (until !== undefined && createdMs(record) > until) return false;
    if (!matchesLabels(labels, wanted)) return false;
    return !unwanted.some((one) => matchesLabels(labels, [one]));
  });
  const pruned: Pruned = { ImagesDeleted: [], SpaceReclaimed: 0 };
  for (const record of chosen) await pruneOne(parts, record, danglingOnly, pruned);
  // What a cut-off pull or push left behind.
  await parts.reclaimer.allBlobs();
  if (pruned.ImagesDeleted?.length === 0) pruned.ImagesDeleted = null;
  return pruned;
}

async function pruneOne(parts: RemoveParts, record: ImageRecord, danglingOnly: boolean, pruned: Pruned): Promise<void> {
  const { catalog, deps } = parts;
  if (catalog.get(record.id) === undefined || deps.usage.containersUsing(record.id).length > 0) return;
  const names = catalog.namesOf(record.id);
  if (danglingOnly && names.some((name) => name.digest === undefined)) return;
  const isParent = catalog.all().some((other) => other.parent === record.id);
  if (isParent && names.length === 0) return;
  // By name, so that what happens meanwhile (a new tag, a container) is seen and kept.
  const references = names.length === 0 ? [record.id] : names.map(familiarName);
  for (const reference of references) {
    try {
      const { items, size } = await remove(parts, reference, {});
      pruned.ImagesDeleted?.push(...items);
      pruned.SpaceReclaimed += size;
    } catch (error) {
      // Gone with another name, or in use by now: left alone.
      if (isGantryError(error, "NO_SUCH_IMAGE") || isGantryError(error, "IMAGE_IN_USE")) continue;
      throw error;
    }
  }
}

export const pruneRunning = (): GantryError =>
  new GantryError("conflict", "PRUNE_RUNNING", "a prune operation is already running");
