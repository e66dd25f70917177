import { GantryError } from "../../base/errors.ts";
import { type Descriptor, type Digest, MEDIA } from "../../base/image-config.ts";
import { platformOf } from "../../base/platform.ts";
import { familiarName, familiarRepository, normalizedName, parseReference } from "../../base/reference.ts";
import type { RepositoryRef } from "../../ports/remote-registry.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { IMAGES, LAYER_BLOBS, TAGS, truncateId } from "./catalog.ts";
import type { ImageRecord, KnownManifest, TransferOptions } from "./contract.ts";
import { blobsOf, type Envelope, openEnvelope, wrap, type Wrapped } from "./envelope.ts";
import { completeManifest } from "./layer-source.ts";
import { manifestBytes } from "./manifest.ts";
import { seenAt } from "./store-image.ts";
import { tell } from "./tell.ts";
import { LayerProgress } from "./transfer-progress.ts";
import { type PushParts, uploadBytes, uploading, uploadLayers, type UploadSession } from "./upload.ts";

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
  const record = parts.catalog.get(id);
  if (record === undefined)
    throw new GantryError("notFound", "NO_SUCH_IMAGE", `tag does not exist: ${familiarRepository(repo)}:${tag}`);
  const packed = record.config.rootfs.diff_ids
    .map((diffId) => parts.catalog.layerBlob(diffId)?.digest)
    .filter((one) => one !== undefined);
  const held = [...record.chain, ...blobsOf(record), ...packed];
  return uploading(parts, { repo, held }, options, (session) => upload(session, record, tag));
}

async function upload(session: UploadSession, record: ImageRecord, tag: string): Promise<Pushed> {
  const { deps, repo } = session;
  const { envelope } = record;
  const known = envelope ? undefined : (completeManifest(deps, record) ?? (await remoteManifest(session, record)));
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
  const layers = await uploadLayers(session, jobs);
  const bytes = deps.blobs.read(record.id);
  const config: Descriptor = { mediaType: MEDIA.dockerConfig, digest: record.id, size: bytes.length };
  await uploadBytes(session, bytes);
  const sealed = envelope && { envelope: openEnvelope(deps.blobs, envelope), config, layers, tag };
  const { manifest, top } = sealed
    ? await putWrapped(session, record, sealed)
    : await putManifest(session, known, { config, layers, tag });
  const { digest, bytes: topBytes } = top;
  const { mediaType } = manifest;
  // One in an envelope is made anew by each push: the envelope may be another then.
  if (!known && !sealed) deps.blobs.put(manifest.bytes);
  remember(session, record, layers, { digest, ...(sealed ? {} : { manifest: { digest, mediaType, layers } }) });
  const size = topBytes.length;
  session.tell({ status: `${tag}: digest: ${digest} size: ${size}` });
  session.tell({ aux: { Tag: tag, Digest: digest, Size: size } });
  tell(deps, "push", record, { actor: familiarName({ ...repo, tag }), name: familiarRepository(repo) });
  return { tag, digest, size };
}

interface Parts {
  config: Descriptor;
  layers: Descriptor[];
  tag: string;
}

async function putManifest(
  { deps, repo, remote }: UploadSession,
  known: KnownManifest | undefined,
  { config, layers, tag }: Parts,
): Promise<Pick<Wrapped, "manifest" | "top">> {
  const mediaType = known?.mediaType ?? MEDIA.dockerManifest;
  const bytes = known ? deps.blobs.read(known.digest) : manifestBytes(mediaType, config, layers);
  const digest = await deps.registry.putManifest(repo, tag, bytes, mediaType, remote);
  const manifest = { bytes, mediaType, digest };
  return { manifest, top: manifest };
}

/** What an index names goes up before it. */
async function putWrapped(
  session: UploadSession,
  record: ImageRecord,
  { envelope, config, layers, tag }: Parts & { envelope: Envelope },
): Promise<Wrapped> {
  const { deps, repo, remote } = session;
  const platform = platformOf(record.config);
  const wrapped = wrap(envelope, { config, layers, platform, names: [{ ...repo, tag }] });
  for (const bytes of wrapped.blobs) await uploadBytes(session, bytes);
  const below = wrapped.top === wrapped.manifest ? [] : [wrapped.manifest, ...wrapped.others];
  for (const one of below) await deps.registry.putManifest(repo, one.digest, one.bytes, one.mediaType, remote);
  await deps.registry.putManifest(repo, tag, wrapped.top.bytes, wrapped.top.mediaType, remote);
  return wrapped;
}

/** A manifest of the image whose layers are not all here, but those that are missing are where it goes. */
async function remoteManifest(
  { deps, repo, remote }: UploadSession,
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

/** The digest that was pushed becomes a name of the image, and its layers are known to be there. */
function remember(
  { deps, catalog, repo }: UploadSession,
  record: ImageRecord,
  layers: Descriptor[],
  { digest, manifest }: { digest: Digest; manifest?: KnownManifest },
): void {
  const now = catalog.get(record.id);
  if (now === undefined) return;
  const manifests = [...(manifest ? [manifest] : []), ...now.manifests.filter((one) => one.digest !== digest)];
  const place = `${repo.registry}/${repo.repository}`;
  const changes: StateChange[] = [
    { bucket: IMAGES, key: record.id, value: { ...now, manifests } },
    { bucket: TAGS, key: normalizedName({ ...repo, digest }), value: record.id },
  ];
  for (const [i, layer] of layers.entries()) {
    const diffId = record.config.rootfs.diff_ids[i]!;
    changes.push({ bucket: LAYER_BLOBS, key: diffId, value: seenAt(layer, place, catalog.layerBlob(diffId)) });
  }
  deps.state.commit(changes);
}
