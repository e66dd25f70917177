import type { Annotations } from "../../base/annotations.ts";
import { type Descriptor, type Digest, MEDIA, type Platform } from "../../base/image-config.ts";
import { platformText } from "../../base/platform.ts";
import { familiarRepository, type ImageReference } from "../../base/reference.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ImageRecord, KeptEnvelope } from "./contract.ts";
import { sha256 } from "./manifest.ts";
import { ociLayer } from "./oci.ts";

/** Something that is said of an image: an in-toto predicate. */
export interface Attestation {
  predicateType: string;
  predicate: Buffer;
}

/** What goes around an image where it is pushed or saved, as its build wished. */
export interface Envelope {
  annotations: Annotations;
  attestations: Attestation[];
}

export interface Document {
  bytes: Buffer;
  mediaType: string;
  digest: Digest;
}

/** An image in its envelope. */
export interface Wrapped {
  manifest: Document;
  /** What a name is to stand for: an index, or the manifest itself. */
  top: Document;
  /** What the index names besides the manifest. */
  others: Document[];
  /** What those name. */
  blobs: Buffer[];
}

const IN_TOTO = "application/vnd.in-toto+json";

export const isEmpty = ({ annotations, attestations }: Envelope): boolean =>
  attestations.length === 0 && Object.keys(annotations).length === 0;

/** Every blob that a record names. */
export const blobsOf = ({ id, manifests, envelope }: ImageRecord): Digest[] => [
  id,
  ...manifests.flatMap((one) => [one.digest, ...one.layers.map((layer) => layer.digest)]),
  ...(envelope?.attestations ?? []).map(({ predicate }) => predicate),
];

export const openEnvelope = (blobs: Pick<BlobStore, "read">, kept: KeptEnvelope): Envelope => ({
  annotations: kept.annotations,
  attestations: kept.attestations.map((one) => ({ ...one, predicate: blobs.read(one.predicate) })),
});

/** An image's manifest as its envelope wants it, in OCI's types: Docker's have no annotations. Pure. */
export function wrap(
  { annotations, attestations }: Envelope,
  image: { config: Descriptor; layers: Descriptor[]; platform: Platform; names: ImageReference[] },
): Wrapped {
  const config = { ...image.config, mediaType: MEDIA.ociConfig };
  const manifest = manifestOf(config, image.layers.map(ociLayer), annotations.manifest);
  const entry = {
    ...descriptorOf(manifest),
    platform: image.platform,
    ...annotated(annotations["manifest-descriptor"]),
  };
  if (
    attestations.length === 0 &&
    annotations.index === undefined &&
    annotations["manifest-descriptor"] === undefined
  ) {
    return { manifest, top: manifest, others: [], blobs: [] };
  }
  const attested = attestations.length > 0 ? attestationManifest(attestations, manifest.digest, image) : undefined;
  const entries = [entry, ...(attested ? [attestationEntry(attested.manifest, manifest.digest)] : [])];
  const index = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: entries, ...annotated(annotations.index) };
  const top = documentOf(index, MEDIA.ociIndex);
  return { manifest, top, others: attested ? [attested.manifest] : [], blobs: attested?.blobs ?? [] };
}

const annotated = (given: Record<string, string> | undefined): { annotations?: Record<string, string> } =>
  given === undefined
    ? {}
    : { annotations: Object.fromEntries(Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1))) };

const descriptorOf = ({ mediaType, digest, bytes }: Document): Descriptor => ({
  mediaType,
  digest,
  size: bytes.length,
});

function documentOf(value: unknown, mediaType: string): Document {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, mediaType, digest: sha256(bytes) };
}

const manifestOf = (config: Descriptor, layers: Descriptor[], annotations?: Record<string, string>): Document =>
  documentOf(
    { schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers, ...annotated(annotations) },
    MEDIA.ociManifest,
  );

/** As BuildKit has them: a manifest for no platform, whose layers are in-toto statements. */
function attestationManifest(
  attestations: Attestation[],
  image: Digest,
  { platform, names }: { platform: Platform; names: ImageReference[] },
): { manifest: Document; blobs: Buffer[] } {
  const purls = names.map((name) => imagePurl(name, platform));
  const statements = attestations.map((attestation) => ({
    ...attestation,
    bytes: statement(attestation, purls.length > 0 ? purls : ["_"], image),
  }));
  const diffIds = statements.map(({ bytes }) => sha256(bytes));
  const config = Buffer.from(
    JSON.stringify({
      architecture: "unknown",
      os: "unknown",
      config: {},
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
  const layers = statements.map(({ bytes, predicateType }, i) => ({
    mediaType: IN_TOTO,
    digest: diffIds[i]!,
    size: bytes.length,
    annotations: { "in-toto.io/predicate-type": predicateType },
  }));
  const descriptor = { mediaType: MEDIA.ociConfig, digest: sha256(config), size: config.length };
  return { manifest: manifestOf(descriptor, layers), blobs: [config, ...statements.map(({ bytes }) => bytes)] };
}

const attestationEntry = (manifest: Document, image: Digest): Descriptor => ({
  ...descriptorOf(manifest),
  annotations: { "vnd.docker.reference.digest": image, "vnd.docker.reference.type": "attestation-manifest" },
  platform: { architecture: "unknown", os: "unknown" },
});

/** An in-toto statement: the predicate, said of these names with this digest. */
export function statement({ predicateType, predicate }: Attestation, names: string[], subject: Digest): Buffer {
  const sha = subject.slice("sha256:".length);
  const head = {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType,
    subject: names.map((name) => ({ name, digest: { sha256: sha } })),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"predicate":`), predicate, Buffer.from("}")]);
}

/** A package URL of an image. */
export function imagePurl(name: ImageReference, platform: Platform): string {
  const path = familiarRepository(name)
    .split("/")
    .map((part) => encodeURIComponent(part).replace("%3A", ":"));
  const version = name.digest ?? name.tag;
  const at = version === undefined ? "" : `@${encodeURIComponent(version).replace("%3A", ":")}`;
  return `pkg:docker/${path.join("/")}${at}?platform=${encodeURIComponent(platformText(platform))}`;
}
