import type { Digest } from "../../base/image-config.ts";
import {
  familiarName,
  type ImageReference,
  normalizedName,
  parseReference,
  withDefaultTag,
} from "../../base/reference.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { type Catalog, IMAGES, TAGS } from "./catalog.ts";
import type { ImageRecord, RemovedItem } from "./contract.ts";
import { blobsOf } from "./envelope.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Reclaimer } from "./reclaim.ts";
import { obstacle, planRemoval, type RemovalFacts } from "./removal-plan.ts";
import { tell } from "./tell.ts";

export interface RemoveParts {
  deps: ImagesDeps;
  catalog: Catalog;
  reclaimer: Reclaimer;
}

export interface RemoveOptions {
  force?: boolean;
  /** Keep untagged parents. */
  noPrune?: boolean;
}

export interface Removal {
  items: RemovedItem[];
  /** Bytes of layers that went. */
  size: number;
}

function factsFor({ deps, catalog }: RemoveParts, record: ImageRecord, asked: string, force: boolean): RemovalFacts {
  const children = catalog.all().filter((other) => other.parent === record.id);
  return {
    id: record.id,
    asked,
    names: catalog.namesOf(record.id),
    users: deps.usage.containersUsing(record.id),
    children: children.map((child) => child.id),
    force,
  };
}

const isIdOf = (text: string, id: Digest): boolean =>
  text !== "" && (id.startsWith(text) || id.slice("sha256:".length).startsWith(text));

/** `docker rmi`: see `planRemoval`. Throws notFound NO_SUCH_IMAGE, conflict IMAGE_IN_USE. */
export async function remove(parts: RemoveParts, reference: string, options: RemoveOptions): Promise<Removal> {
  const record = parts.catalog.resolve(reference);
  const facts = factsFor(parts, record, reference, options.force ?? false);
  if (!isIdOf(reference, record.id)) facts.name = givenName(reference);
  const plan = planRemoval(facts);
  const removal: Removal = { items: [], size: 0 };
  const gone: ImageRecord[] = plan.remove ? [record] : [];
  untag(parts, record, plan.untag, gone, removal);
  if (plan.remove && !options.noPrune) takeParents(parts, record, gone);
  await deleteImages(parts, gone, removal);
  return removal;
}

function givenName(text: string): ImageReference {
  const name = withDefaultTag(parseReference(text));
  return name.digest === undefined
    ? name
    : { registry: name.registry, repository: name.repository, digest: name.digest };
}

/** One commit takes the names and the image away: a crash after it leaves only what the next start sweeps. */
function untag(
  parts: RemoveParts,
  record: ImageRecord,
  names: ImageReference[],
  gone: ImageRecord[],
  removal: Removal,
): void {
  const { deps } = parts;
  const changes: StateChange[] = names.map((name) => ({ bucket: TAGS, key: normalizedName(name), value: undefined }));
  for (const { id } of gone) changes.push({ bucket: IMAGES, key: id, value: undefined });
  if (changes.length > 0) deps.state.commit(changes);
  for (const name of names) {
    removal.items.push({ Untagged: familiarName(name) });
    tell(deps, "untag", record, { name: record.id });
  }
}

/** Untagged, unused parents go with their last child. */
function takeParents(parts: RemoveParts, record: ImageRecord, gone: ImageRecord[]): void {
  let { parent } = record;
  while (parent !== undefined) {
    const next = parts.catalog.get(parent);
    if (next === undefined) return;
    const facts = factsFor(parts, next, parent, false);
    if (facts.names.length > 0 || obstacle(facts, []) !== undefined) return;
    parts.deps.state.commit([{ bucket: IMAGES, key: next.id, value: undefined }]);
    gone.push(next);
    parent = next.parent;
  }
}

async function deleteImages({ deps, reclaimer }: RemoveParts, gone: ImageRecord[], removal: Removal): Promise<void> {
  for (const record of gone) {
    removal.items.push({ Deleted: record.id });
    tell(deps, "delete", record);
    const blobs = blobsOf(record);
    for (const diffId of record.config.rootfs.diff_ids) {
      const packed = deps.state.get<{ digest: Digest }>("layerBlobs", diffId);
      if (packed) blobs.push(packed.digest);
    }
    const { layers, size } = await reclaimer.only(record.chain, blobs);
    for (const chainId of layers) removal.items.push({ Deleted: chainId });
    removal.size += size;
  }
}
