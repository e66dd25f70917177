import { GantryError, isGantryError } from "../../base/errors.ts";
import { type Descriptor, type Digest, MEDIA } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { familiarName, familiarRepository, normalizedName, parseReference } from "../../base/reference.ts";
import type { RegistryAuth, RepositoryRef } from "../../ports/remote-registry.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { type Catalog, IMAGES, LAYER_BLOBS, TAGS, truncateId } from "./catalog.ts";
import type { ImageRecord, KnownManifest, TransferOptions } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Hold, Holds } from "./holds.ts";
import { completeManifest, packedLayer, packLayer } from "./layer-source.ts";
import { manifestBytes } from "./manifest.ts";
import { seenAt } from "./store-image.ts";
import { counted, LayerProgress, Slots } from "./transfer-progress.ts";
import { tell } from "./tell.ts";

/** Layers that go up at once. */
const AT_ONCE = 5;

export interface PushParts {
  deps: ImagesDeps;
  catalog: Catalog;
  holds: Holds;
}

interface Session extends PushParts {
  repo: RepositoryRef;
  remote: { auth: RegistryAuth | undefined; signal: AbortSignal };
  tell: OnProgress;
  hold: Hold;
  slots: Slots;
  abort: () => void;
}

export interface Pushed {
  tag: string;
  digest: Digest;
  size: number;
}

/**
 * Pushes one tag, or with `allTags` every tag of the repository. A manifest that came with the image goes up byte for
 * byte, so its digest stays.
 */
export async function push(
  parts: PushParts,
  target: { reference: string; allTags?: boolean },
  options: TransferOptions,
): Promise<Pushed[]> {
  const reference = parseReference(target.reference);
  const tell = options.onProgress ?? (() => {});
  const repo: RepositoryRef = { registry: reference.registry, repository: reference.repository };
  if (reference.digest !== undefined)
    throw new GantryError("invalid", "BAD_REFERENCE", "cannot push a digest reference");
  const shown = familiarRepository(reference);
  const here: { tag: string; id: Digest }[] = [];
  for (const [id, names] of parts.catalog.names()) {
    for (const name of names) {
      const same = name.registry === repo.registry && name.repository === repo.repository;
      if (same && name.tag !== undefined && name.digest === undefined) here.push({ tag: name.tag, id });
    }
  }
  tell({ status: `The push refers to repository [${repo.registry}/${repo.repository}]` });
  if (here.length === 0) {
    throw new GantryError("notFound", "NO_SUCH_IMAGE", `An image does not exist locally with the tag: ${shown}`);
  }
  const wanted = target.allTags
    ? here.toSorted((a, b) => (a.tag < b.tag ? -1 : 1))
    : here.filter((one) => one.tag === (reference.tag ?? "latest"));
  if (wanted.length === 0) {
    throw new GantryError("notFound", "NO_SUCH_IMAGE", `tag does not exist: ${shown}:${reference.tag ?? "latest"}`);
  }
  const pushed: Pushed[] = [];
  for (const { tag, id } of wanted) pushed.push(await pushOne(parts, repo, tag, id, options));
  return pushed;
}

async function pushOne(
  parts: PushParts,
  repo: RepositoryRef,
  tag: string,
  id: Digest,
  options: TransferOptions,
): Promise<Pushed> {
  const aborter = new AbortController();
  const onAbort = (): void => aborter.abort();
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const record = parts.catalog.get(id);
  if (record === undefined)
    throw new GantryError("notFound", "NO_SUCH_IMAGE", `tag does not exist: ${familiarRepository(repo)}:${tag}`);
  const blobs = record.manifests.flatMap((one) => [one.digest, ...one.layers.map((layer) => layer.digest)]);
  const packed = record.config.rootfs.diff_ids
    .map((diffId) => parts.catalog.layerBlob(diffId)?.digest)
    .filter((one) => one !== undefined);
  const hold = await parts.holds.take([id, ...record.chain, ...blobs, ...packed]);
  const session: Session = {
    ...parts,
    repo,
    remote: { auth: options.auth, signal: aborter.signal },
    tell: options.onProgress ?? (() => {}),
    hold,
    slots: new Slots(AT_ONCE),
    abort: onAbort,
  };
  try {
    return await upload(session, record, tag);
  } catch (error) {
    aborter.abort();
    throw options.signal?.aborted
      ? new GantryError("canceled", "CANCELED", "context canceled", { cause: error })
      : error;
  } finally {
    hold.release();
    options.signal?.removeEventListener("abort", onAbort);
  }
}

async function upload(session: Session, record: ImageRecord, tag: string): Promise<Pushed> {
  const { deps, repo, remote } = session;
  const known = completeManifest(deps, record) ?? (await remoteManifest(session, record));
  const progress = record.config.rootfs.diff_ids.map(
    (diffId) => new LayerProgress(session.tell, deps.clock, truncateId(diffId)),
  );
  for (const one of progress.toReversed()) one.step("Preparing");
  const jobs = record.chain.map((chainId, i) => ({
    chainId,
    diffId: record.config.rootfs.diff_ids[i]!,
    progress: progress[i]!,
    blob: known?.layers[i],
  }));
  const work = jobs.toReversed().map((job) => {
    if (session.slots.busy) job.progress.step("Waiting");
    return session.slots.run(() => pushLayer(session, job), remote.signal);
  });
  const layers = await allOrAbort(work, session.abort);
  const bytes = deps.blobs.read(record.id);
  const config: Descriptor = { mediaType: MEDIA.dockerConfig, digest: record.id, size: bytes.length };
  if (!(await deps.registry.hasBlob(repo, record.id, remote))) {
    await deps.registry.putBlob(repo, record.id, bytes.length, () => deps.blobs.open(record.id), remote);
  }
  const mediaType = known?.mediaType ?? MEDIA.dockerManifest;
  const manifest = known ? deps.blobs.read(known.digest) : manifestBytes(mediaType, config, layers);
  const digest = await deps.registry.putManifest(repo, tag, manifest, mediaType, remote);
  if (!known) deps.blobs.put(manifest);
  remember(session, record, { digest, mediaType, layers });
  session.tell({ status: `${tag}: digest: ${digest} size: ${manifest.length}` });
  session.tell({ aux: { Tag: tag, Digest: digest, Size: manifest.length } });
  tell(deps, "push", record, { actor: familiarName({ ...repo, tag }), name: familiarRepository(repo) });
  return { tag, digest, size: manifest.length };
}

/** A manifest of the image whose layers are not all here, but those that are missing are where it goes. */
async function remoteManifest(
  { deps, repo, remote }: Session,
  record: ImageRecord,
): Promise<KnownManifest | undefined> {
  for (const manifest of record.manifests) {
    if (!deps.blobs.has(manifest.digest)) continue;
    const missing = manifest.layers.filter((layer) => !deps.blobs.has(layer.digest));
    const there = await Promise.all(missing.map((layer) => deps.registry.hasBlob(repo, layer.digest, remote)));
    if (there.every(Boolean)) return manifest;
  }
  return undefined;
}

/** The first failure ends the others, and nothing goes on behind the caller's back. */
async function allOrAbort(work: Promise<Descriptor>[], abort: () => void): Promise<Descriptor[]> {
  try {
    return (await Promise.all(work)).toReversed();
  } catch (error) {
    abort();
    await Promise.allSettled(work);
    throw error;
  }
}

interface LayerJob {
  chainId: Digest;
  diffId: Digest;
  progress: LayerProgress;
  /** As the known manifest has it. */
  blob: Descriptor | undefined;
}

/** Brings one layer up by the cheapest way there is; gives its packed form. */
async function pushLayer(session: Session, job: LayerJob): Promise<Descriptor> {
  const { deps, catalog, repo, remote } = session;
  const { progress, diffId, chainId } = job;
  const recorded = catalog.layerBlob(diffId);
  const elsewhere = recorded && { mediaType: recorded.mediaType, digest: recorded.digest, size: recorded.size };
  let blob = job.blob ?? packedLayer(deps, catalog, diffId);
  // A packed form that is only remembered serves too if the registry has it.
  const candidate = blob ?? elsewhere;
  if (candidate) {
    if (await deps.registry.hasBlob(repo, candidate.digest, remote)) {
      progress.step("Layer already exists");
      return candidate;
    }
    const from = await mount(session, candidate, recorded?.repositories ?? []);
    if (from !== undefined) {
      progress.step(`Mounted from ${from}`);
      return candidate;
    }
  }
  const size = deps.layers.get(chainId)?.size ?? 0;
  blob ??= await packLayer(deps, catalog, { diffId, chainId }, session.hold, {
    signal: remote.signal,
    onBytes: (read) => progress.bytes("Preparing", Math.min(read, size), size),
  });
  const { digest, size: length } = blob;
  const open = (): ReturnType<typeof counted> =>
    counted(deps.blobs.open(digest), (sent) => progress.bytes("Pushing", sent, length));
  await deps.registry.putBlob(repo, digest, length, open, remote);
  progress.step("Pushed");
  return blob;
}

/** Takes the blob over from another repository of the same registry that is known to have it. */
async function mount(session: Session, blob: Descriptor, repositories: string[]): Promise<string | undefined> {
  const { deps, repo, remote } = session;
  for (const place of repositories) {
    const { registry, repository } = parseReference(place);
    if (registry !== repo.registry || repository === repo.repository) continue;
    try {
      if (await deps.registry.mountBlob(repo, blob.digest, repository, remote)) return repository;
    } catch (error) {
      // No right to read there: an ordinary upload does it.
      if (!isGantryError(error, "REGISTRY_DENIED")) throw error;
    }
  }
  return undefined;
}

/** The manifest's digest becomes a name of the image, and its layers are known to be there. */
function remember({ deps, catalog, repo }: Session, record: ImageRecord, manifest: KnownManifest): void {
  const now = catalog.get(record.id);
  if (now === undefined) return;
  const manifests = [manifest, ...now.manifests.filter((one) => one.digest !== manifest.digest)];
  const place = `${repo.registry}/${repo.repository}`;
  const changes: StateChange[] = [
    { bucket: IMAGES, key: record.id, value: { ...now, manifests } },
    { bucket: TAGS, key: normalizedName({ ...repo, digest: manifest.digest }), value: record.id },
  ];
  for (const [i, layer] of manifest.layers.entries()) {
    const diffId = record.config.rootfs.diff_ids[i]!;
    changes.push({ bucket: LAYER_BLOBS, key: diffId, value: seenAt(layer, place, catalog.layerBlob(diffId)) });
  }
  deps.state.commit(changes);
}
