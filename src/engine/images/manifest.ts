import { createHash } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  MEDIA,
  type Platform,
} from "../../base/image-config.ts";

/** Largest manifest or config that is read: 4 MiB. */
export const DOCUMENT_LIMIT = 4 * 1024 * 1024;
const MOST_LAYERS = 127;

const MANIFEST_TYPES: string[] = [MEDIA.dockerManifest, MEDIA.ociManifest];
const INDEX_TYPES: string[] = [MEDIA.dockerList, MEDIA.ociIndex];

export type ManifestDocument =
  | { kind: "image"; manifest: ImageManifest; mediaType: string }
  | { kind: "index"; index: ImageIndex; mediaType: string };

export const sha256 = (bytes: Buffer | string): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** The chain ids of a stack of diff ids, bottom first (OCI image-spec). */
export function chainIds(diffIds: Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : sha256(`${parent} ${diffId}`));
  }
  return chain;
}

/** sha256 and nothing else: digests become file names. */
export const isSha256 = (text: unknown): text is Digest =>
  typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);

const bad = (message: string, cause?: unknown): GantryError =>
  new GantryError("invalid", "BAD_IMAGE", message, { cause });

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${what}: an object is expected`);
  return value as Record<string, unknown>;
}

function parseJson(bytes: Buffer, what: string): Record<string, unknown> {
  if (bytes.length > DOCUMENT_LIMIT) throw bad(`${what} is larger than ${DOCUMENT_LIMIT} bytes: refused`);
  try {
    return object(JSON.parse(bytes.toString("utf8")), what);
  } catch (cause) {
    if (cause instanceof GantryError) throw cause;
    throw bad(`${what}: not JSON`, cause);
  }
}

function platformOf(value: unknown): Platform | undefined {
  if (value === undefined || value === null) return undefined;
  const { os, architecture, variant } = object(value, "platform");
  if (typeof os !== "string" || typeof architecture !== "string")
    throw bad("platform: os and architecture are expected");
  return { os, architecture, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) };
}

function descriptor(value: unknown, what: string): Descriptor {
  const { mediaType, digest, size, platform, annotations } = object(value, what);
  if (!isSha256(digest)) throw bad(`${what}: invalid digest ${JSON.stringify(digest)}`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw bad(`${what}: invalid size`);
  if (typeof mediaType !== "string") throw bad(`${what}: no media type`);
  const result: Descriptor = { mediaType, digest, size };
  const known = platformOf(platform);
  if (known) result.platform = known;
  if (annotations !== undefined && annotations !== null) {
    result.annotations = Object.fromEntries(
      Object.entries(object(annotations, what)).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    );
  }
  return result;
}

/**
 * Reads a manifest or index. `mediaType`: what the registry or the descriptor called it; a document that says otherwise
 * of itself, or that is both at once, is refused: two readers could take it for different images.
 * Throws invalid BAD_IMAGE.
 */
export function parseManifest(bytes: Buffer, mediaType?: string): ManifestDocument {
  const json = parseJson(bytes, "manifest");
  if (json["schemaVersion"] !== 2)
    throw bad(`unsupported manifest schema version: ${JSON.stringify(json["schemaVersion"])}`);
  const own = json["mediaType"];
  const type = mediaType ?? own ?? ("manifests" in json ? MEDIA.ociIndex : MEDIA.ociManifest);
  if (own !== undefined && own !== type)
    throw bad(`the manifest came as ${String(type)} but calls itself ${JSON.stringify(own)}`);
  if ("manifests" in json && ("layers" in json || "config" in json))
    throw bad("the manifest is both an image and an index: refused");
  if (INDEX_TYPES.includes(type as string)) {
    const { manifests } = json;
    if (!Array.isArray(manifests)) throw bad("index: a list of manifests is expected");
    const list = manifests.map((one, i) => descriptor(one, `index entry ${i}`));
    return { kind: "index", mediaType: type as string, index: { schemaVersion: 2, manifests: list } };
  }
  if (!MANIFEST_TYPES.includes(type as string)) throw bad(`unsupported manifest media type: ${String(type)}`);
  const { layers } = json;
  if (!Array.isArray(layers)) throw bad("manifest: a list of layers is expected");
  if (layers.length > MOST_LAYERS) throw bad(`max depth exceeded: ${layers.length} layers, ${MOST_LAYERS} at most`);
  return {
    kind: "image",
    mediaType: type as string,
    manifest: {
      schemaVersion: 2,
      mediaType: type as string,
      config: descriptor(json["config"], "config"),
      layers: layers.map((one, i) => descriptor(one, `layer ${i}`)),
    },
  };
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const STRINGS = ["User", "WorkingDir", "StopSignal", "Hostname", "Domainname"];
const LISTS = ["Env", "Cmd", "Entrypoint", "OnBuild", "Shell"];
const MAPS = ["Labels", "Volumes", "ExposedPorts"];

/** Reads an image configuration; whatever the engine later relies on has the type it expects. Throws invalid BAD_IMAGE. */
export function parseConfig(bytes: Buffer): ImageConfig {
  const json = parseJson(bytes, "image config");
  const rootfs = object(json["rootfs"], "image config: rootfs");
  const diffIds = rootfs["diff_ids"] ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every(isSha256)) throw bad("image config: invalid diff_ids");
  for (const key of ["os", "architecture"]) {
    if (typeof json[key] !== "string") throw bad(`image config: ${key} is missing`);
  }
  for (const key of ["variant", "created", "author"]) {
    if (json[key] !== undefined && typeof json[key] !== "string") throw bad(`image config: ${key} is no text`);
  }
  if (json["created"] !== undefined && Number.isNaN(Date.parse(json["created"] as string)))
    throw bad("image config: created is no time");
  const history = json["history"] ?? [];
  if (!Array.isArray(history)) throw bad("image config: history is no list");
  for (const entry of history) {
    const { created, created_by, comment, author, empty_layer } = object(entry, "image config: history");
    const texts = [created, created_by, comment, author].every(
      (text) => text === undefined || typeof text === "string",
    );
    if (!texts || (empty_layer !== undefined && typeof empty_layer !== "boolean"))
      throw bad("image config: bad history");
  }
  checkRunConfig(json["config"] ?? {});
  return {
    ...(json as unknown as ImageConfig),
    rootfs: { type: "layers", diff_ids: diffIds },
    history: history as NonNullable<ImageConfig["history"]>,
  };
}

function checkRunConfig(value: unknown): void {
  const config = object(value, "image config: config");
  const present = (key: string): boolean => config[key] !== undefined && config[key] !== null;
  for (const key of STRINGS)
    if (present(key) && typeof config[key] !== "string") throw bad(`image config: ${key} is no text`);
  for (const key of LISTS)
    if (present(key) && !isStrings(config[key])) throw bad(`image config: ${key} is no list of texts`);
  for (const key of MAPS) if (present(key)) object(config[key], `image config: ${key}`);
  if (present("Labels") && !Object.values(config["Labels"] as object).every((one) => typeof one === "string")) {
    throw bad("image config: Labels are no texts");
  }
  if (present("Healthcheck")) {
    const { Test: test } = object(config["Healthcheck"], "image config: Healthcheck");
    if (test !== undefined && test !== null && !isStrings(test))
      throw bad("image config: Healthcheck.Test is no list of texts");
  }
}

/** A manifest's bytes, always the same for the same image. */
export function manifestBytes(mediaType: string, config: Descriptor, layers: Descriptor[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
}
