import { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import { type Descriptor, type Digest, type ImageManifest, MEDIA } from "../../base/image-config.ts";
import { parseReference, withDefaultTag } from "../../base/reference.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { LAYER_BLOBS, truncateId } from "./catalog.ts";
import type { TransferOptions } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import { lied } from "./downloads.ts";
import { packedLayer, packLayer } from "./layer-source.ts";
import { blobPath, layoutTar } from "./layout-tar.ts";
import { DOCUMENT_LIMIT, manifestBytes, parseManifest, sha256 } from "./manifest.ts";
import { ociLayer } from "./oci.ts";
import { seenAt } from "./store-image.ts";
import { LayerProgress } from "./transfer-progress.ts";
import { type PushParts, uploadBytes, uploading, uploadLayers } from "./upload.ts";

/** Layers of this engine with a document that says what they are: kept as an OCI image is, but none. */
export interface Artifact {
  mediaType: string;
  document: Buffer;
  layers: { chainId: Digest; diffId: Digest }[];
}

/** An artifact that is elsewhere: its layers come when they are asked for. */
export interface FoundArtifact {
  document: Buffer;
  layers: Descriptor[];
  open(layer: Descriptor): Promise<Readable>;
}

/** Pushes an artifact under a name; the digest of its manifest. */
export function pushArtifact(
  parts: PushParts,
  reference: string,
  artifact: Artifact,
  options: TransferOptions,
): Promise<Digest> {
  const name = withDefaultTag(parseReference(reference));
  if (name.digest !== undefined) throw new GantryError("invalid", "BAD_REFERENCE", "cannot push a digest reference");
  const { registry, repository } = name;
  const { deps, catalog } = parts;
  return uploading(
    parts,
    { repo: { registry, repository }, held: heldBy(parts, artifact) },
    options,
    async (session) => {
      const { repo, remote } = session;
      const jobs = artifact.layers.map((layer) => ({
        ...layer,
        progress: new LayerProgress(session.tell, deps.clock, truncateId(layer.diffId)),
        blob: undefined,
      }));
      const layers = await uploadLayers(session, jobs);
      const place = `${repo.registry}/${repo.repository}`;
      const seen = layers.map((layer, i): StateChange => {
        const { diffId } = artifact.layers[i]!;
        return { bucket: LAYER_BLOBS, key: diffId, value: seenAt(layer, place, catalog.layerBlob(diffId)) };
      });
      deps.state.commit(seen);
      await uploadBytes(session, artifact.document);
      return deps.registry.putManifest(repo, name.tag!, manifestOf(artifact, layers), MEDIA.ociManifest, remote);
    },
  );
}

/** An artifact as a folder in the OCI layout, sent as a tar. */
export async function* artifactLayout(
  parts: PushParts,
  tag: string,
  artifact: Artifact,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { deps, catalog, holds } = parts;
  const hold = await holds.take(heldBy(parts, artifact));
  try {
    const layers: Descriptor[] = [];
    for (const layer of artifact.layers) {
      layers.push(
        packedLayer(deps, catalog, layer.diffId) ?? (await packLayer(deps, catalog, layer, hold, { signal })),
      );
    }
    const manifest = manifestOf(artifact, layers);
    const blobs = [
      ...[manifest, artifact.document].map((bytes) => ({
        digest: sha256(bytes),
        size: bytes.length,
        open: () => Readable.from([bytes]),
      })),
      ...layers.map(({ digest, size }) => ({ digest, size, open: () => deps.blobs.open(digest) })),
    ];
    const annotations = { "org.opencontainers.image.ref.name": tag };
    const entry = { mediaType: MEDIA.ociManifest, digest: sha256(manifest), size: manifest.length, annotations };
    yield* layoutTar(
      blobs,
      { "index.json": { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [entry] } },
      signal,
    );
  } finally {
    hold.release();
  }
}

/**
 * What a registry has under a name, if its document is of that type; undefined: it is something else.
 * Throws as RemoteRegistry.getManifest.
 */
export async function findArtifact(
  { registry }: Pick<ImagesDeps, "registry">,
  reference: string,
  mediaType: string,
  options: TransferOptions,
): Promise<FoundArtifact | undefined> {
  const name = withDefaultTag(parseReference(reference));
  const got = await registry.getManifest(name, name.digest ?? name.tag!, options);
  return readArtifact(got, mediaType, async ({ digest }) => (await registry.getBlob(name, digest, options)).body);
}

/** The same of a folder in the OCI layout, whose files `open` gives. Throws invalid BAD_ARCHIVE. */
export async function readLayout(
  open: (path: string) => Promise<Readable>,
  tag: string,
  mediaType: string,
): Promise<FoundArtifact | undefined> {
  const index = parseManifest(await limited(await open("index.json"), DOCUMENT_LIMIT));
  if (index.kind !== "index") throw new GantryError("invalid", "BAD_ARCHIVE", "index.json: an index is expected");
  const entry = index.index.manifests.find((one) => one.annotations?.["org.opencontainers.image.ref.name"] === tag);
  if (entry === undefined) throw new GantryError("notFound", "MANIFEST_UNKNOWN", `no ${tag} in index.json`);
  const fetch = ({ digest }: Descriptor): Promise<Readable> => open(blobPath(digest));
  return readArtifact({ bytes: await checked(fetch, entry), mediaType: entry.mediaType }, mediaType, fetch);
}

async function readArtifact(
  got: { bytes: Buffer; mediaType: string },
  mediaType: string,
  open: FoundArtifact["open"],
): Promise<FoundArtifact | undefined> {
  const document = parseManifest(got.bytes, got.mediaType);
  if (document.kind !== "image" || document.manifest.config.mediaType !== mediaType) return undefined;
  const { config, layers }: ImageManifest = document.manifest;
  return { document: await checked(open, config), layers, open };
}

/** A small blob's bytes, which are what its digest says. */
async function checked(open: FoundArtifact["open"], blob: Descriptor): Promise<Buffer> {
  if (blob.size > DOCUMENT_LIMIT) throw lied(`${blob.digest} has ${blob.size} bytes: refused`);
  const bytes = await limited(await open(blob), blob.size);
  if (sha256(bytes) !== blob.digest) throw lied(`the bytes of ${blob.digest} don't match it`);
  return bytes;
}

async function limited(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > limit) throw lied(`a document is longer than its ${limit} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const heldBy = ({ catalog }: PushParts, { layers }: Artifact): Digest[] =>
  layers.flatMap(({ chainId, diffId }) => [
    chainId,
    ...(catalog.layerBlob(diffId) ? [catalog.layerBlob(diffId)!.digest] : []),
  ]);

function manifestOf({ mediaType, document }: Artifact, layers: Descriptor[]): Buffer {
  const config = { mediaType, digest: sha256(document), size: document.length };
  return manifestBytes(MEDIA.ociManifest, config, layers.map(ociLayer));
}
