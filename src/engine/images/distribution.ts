import type { Descriptor, Platform } from "../../base/image-config.ts";
import { parseReference, withDefaultTag } from "../../base/reference.ts";
import type { TransferOptions } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import { lied } from "./downloads.ts";
import { DOCUMENT_LIMIT, parseConfig, parseManifest, sha256 } from "./manifest.ts";

/** Asks a registry what a name stands for, without pulling it. */
export async function distribution(
  { registry }: ImagesDeps,
  text: string,
  options: TransferOptions,
): Promise<{ descriptor: Descriptor; platforms: Platform[] }> {
  const name = withDefaultTag(parseReference(text));
  const got = await registry.getManifest(name, name.digest ?? name.tag!, options);
  const descriptor: Descriptor = { mediaType: got.mediaType, digest: got.digest, size: got.bytes.length };
  const document = parseManifest(got.bytes, got.mediaType);
  if (document.kind === "index") {
    return { descriptor, platforms: document.index.manifests.flatMap(({ platform }) => (platform ? [platform] : [])) };
  }
  const { config } = document.manifest;
  if (config.size > DOCUMENT_LIMIT) throw lied(`image config of ${config.size} bytes: refused`);
  const { body } = await registry.getBlob(name, config.digest, options);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > config.size) throw lied(`blob ${config.digest} is longer than its ${config.size} bytes`);
    chunks.push(chunk as Buffer);
  }
  const bytes = Buffer.concat(chunks);
  if (sha256(bytes) !== config.digest) throw lied(`the bytes of ${config.digest} don't match it`);
  const { os, architecture, variant } = parseConfig(bytes);
  return { descriptor, platforms: [{ os, architecture, ...(variant ? { variant } : {}) }] };
}
