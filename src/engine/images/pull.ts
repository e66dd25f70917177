import { GantryError, isGantryError } from "../../base/errors.ts";
import type { Descriptor, Digest, ImageConfig, ImageManifest, Platform } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { familiarName, familiarRepository, type ImageReference, parseReference } from "../../base/reference.ts";
import type { RegistryAuth, RepositoryRef } from "../../ports/remote-registry.ts";
import { type Catalog, truncateId } from "./catalog.ts";
import type { ImageRecord, PullTarget, TransferOptions } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import { canceled, type Downloads, lied } from "./downloads.ts";
import type { Hold, Holds } from "./holds.ts";
import { chainIds, DOCUMENT_LIMIT, parseConfig, parseManifest, sha256 } from "./manifest.ts";
import { pickManifest, platformText, runsOn } from "../../base/platform.ts";
import type { Reclaimer } from "./reclaim.ts";
import { storeImage } from "./store-image.ts";
import { counted, LayerProgress } from "./transfer-progress.ts";
import { tell } from "./tell.ts";

export interface PullParts {
  deps: ImagesDeps;
  catalog: Catalog;
  holds: Holds;
  downloads: Downloads;
  reclaimer: Reclaimer;
}

interface Session {
  repo: RepositoryRef;
  auth: RegistryAuth | undefined;
  tell: OnProgress;
  signal: AbortSignal;
}

interface ResolvedManifest {
  /** Of what the name stands for: the index, where there is one. */
  topDigest: Digest;
  digest: Digest;
  bytes: Buffer;
  mediaType: string;
  manifest: ImageManifest;
}

/** Deeper nesting of indexes than anybody makes. */
const INDEX_DEPTH = 3;

/**
 * Pulls one name, or every tag of the repository when it has neither tag nor digest and `allTags` is set.
 * Resolves with the image's (last one's) record. On an error nothing is listed; complete blobs and partial ones stay
 * for a retry unless the registry lied.
 */
export async function pull(
  parts: PullParts,
  target: PullTarget & { allTags?: boolean },
  options: TransferOptions,
): Promise<ImageRecord> {
  const reference = parseReference(target.reference);
  const { registry } = parts.deps;
  const repo: RepositoryRef = { registry: reference.registry, repository: reference.repository };
  let names: ImageReference[] = [reference];
  if (reference.tag === undefined && reference.digest === undefined) {
    if (target.allTags) {
      const tags = await registry.listTags(repo, options);
      names = tags.map((tag) => parseReference(`${familiarRepository(repo)}:${tag}`));
      if (names.length === 0)
        throw new GantryError("notFound", "MANIFEST_UNKNOWN", `no tags found for ${familiarRepository(repo)}`);
    } else names = [{ ...reference, tag: "latest" }];
  }
  let last: ImageRecord | undefined;
  for (const name of names) last = await pullOne(parts, repo, name, target.platform, options);
  return last!;
}

async function pullOne(
  parts: PullParts,
  repo: RepositoryRef,
  name: ImageReference,
  platform: Platform | undefined,
  options: TransferOptions,
): Promise<ImageRecord> {
  const { deps, catalog, holds } = parts;
  // Whatever fails first ends the other downloads of this pull too.
  const aborter = new AbortController();
  const onAbort = (): void => aborter.abort();
  if (options.signal?.aborted) throw canceled();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const session: Session = { repo, auth: options.auth, tell: options.onProgress ?? (() => {}), signal: aborter.signal };
  const wanted = platform ?? deps.platform;
  const held: Hold[] = [];
  const made: { chains: Digest[]; blobs: Digest[] } = { chains: [], blobs: [] };
  try {
    const found = await resolveManifest(parts, session, name, wanted);
    session.tell({ id: name.digest ?? name.tag!, status: `Pulling from ${repo.repository}` });
    made.blobs = [found.manifest.config.digest, found.digest, ...found.manifest.layers.map((layer) => layer.digest)];
    held.push(await holds.take(made.blobs));
    const configBytes = await fetchConfig(parts, session, found.manifest.config);
    const config = checkConfig(configBytes, found.manifest);
    const chain = chainIds(config.rootfs.diff_ids);
    held.push(await holds.take(chain));
    made.chains = chain.filter((chainId) => deps.layers.get(chainId) === undefined);
    const news = catalog.get(sha256(configBytes)) === undefined || made.chains.length > 0;
    if (news) await fetchLayers(parts, session, found.manifest, config, chain, aborter);
    const names = [
      ...(name.tag === undefined || name.digest !== undefined ? [] : [{ ...name }]),
      { registry: repo.registry, repository: repo.repository, digest: found.topDigest },
    ];
    const record = await storeImage(deps, catalog, {
      configBytes,
      config,
      chain,
      names,
      manifest: {
        digest: found.digest,
        mediaType: found.mediaType,
        layers: found.manifest.layers,
        bytes: found.bytes,
      },
      repository: `${repo.registry}/${repo.repository}`,
      sync: news,
    });
    session.tell({ status: `Digest: ${found.topDigest}` });
    const shown = familiarName(name);
    session.tell({
      status: news ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
    });
    if (platform && !runsOn(platform, config)) {
      session.tell({
        status: `WARNING: image with reference ${shown} was found but its platform (${platformText(config)}) does not match the specified platform (${platformText(platform)})`,
      });
    }
    tell(deps, "pull", record, { actor: shown, name: familiarRepository(name) });
    return record;
  } catch (error) {
    aborter.abort();
    for (const hold of held) hold.release();
    await parts.reclaimer.only(made.chains, isTransient(error) ? [] : made.blobs);
    if (options.signal?.aborted) throw canceled();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
    for (const hold of held) hold.release();
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof GantryError && (error.kind === "canceled" || error.kind === "unavailable");

/** Follows a name through indexes to the manifest for this platform. */
async function resolveManifest(
  { deps }: PullParts,
  session: Session,
  name: ImageReference,
  wanted: Platform,
): Promise<ResolvedManifest> {
  const { repo, auth, signal } = session;
  let got = await deps.registry.getManifest(repo, name.digest ?? name.tag!, { auth, signal });
  const topDigest = got.digest;
  for (let depth = 0; depth < INDEX_DEPTH; depth += 1) {
    const document = parseManifest(got.bytes, got.mediaType);
    if (document.kind === "image") return { topDigest, ...got, manifest: document.manifest };
    const entry = pickManifest(document.index.manifests, wanted);
    got = await deps.registry.getManifest(repo, entry.digest, { auth, signal });
    if (got.mediaType !== entry.mediaType)
      throw lied(`manifest ${entry.digest} is ${got.mediaType} instead of ${entry.mediaType}`);
    if (got.bytes.length !== entry.size)
      throw lied(`manifest ${entry.digest} has ${got.bytes.length} bytes instead of ${entry.size}`);
  }
  throw lied("indexes within indexes: refused");
}

async function fetchConfig({ deps, downloads }: PullParts, session: Session, config: Descriptor): Promise<Buffer> {
  if (config.size > DOCUMENT_LIMIT)
    throw lied(`image config of ${config.size} bytes: refused, ${DOCUMENT_LIMIT} at most`);
  await downloads.fetch({ repo: session.repo, blob: config, auth: session.auth, signal: session.signal });
  return deps.blobs.read(config.digest);
}

function checkConfig(bytes: Buffer, manifest: ImageManifest): ImageConfig {
  const config = parseConfig(bytes);
  const { length } = config.rootfs.diff_ids;
  if (length !== manifest.layers.length)
    throw lied(`the image config names ${length} layers, the manifest ${manifest.layers.length}`);
  if (config.os !== "linux") {
    throw new GantryError(
      "invalid",
      "BAD_PLATFORM",
      `image operating system "${config.os}" cannot be used on this platform: operating system is not supported`,
    );
  }
  return config;
}

/** Downloads what is missing side by side; unpacks from the bottom up, each as soon as it and those below are there. */
async function fetchLayers(
  { deps, downloads }: PullParts,
  session: Session,
  manifest: ImageManifest,
  config: ImageConfig,
  chain: Digest[],
  aborter: AbortController,
): Promise<void> {
  const { signal } = session;
  const layers = manifest.layers.map((blob, i) => {
    const progress = new LayerProgress(session.tell, deps.clock, truncateId(blob.digest));
    const here = deps.layers.get(chain[i]!) !== undefined;
    return { blob, progress, here, chainId: chain[i]!, diffId: config.rootfs.diff_ids[i]! };
  });
  for (const layer of layers) layer.progress.step(layer.here ? "Already exists" : "Pulling fs layer");
  const fetched = layers.map(async ({ blob, progress, here }): Promise<void> => {
    if (here) return;
    if (downloads.busy) progress.step("Waiting");
    await downloads.fetch({
      repo: session.repo,
      blob,
      auth: session.auth,
      signal,
      onBytes: (received) => progress.bytes("Downloading", received, blob.size),
    });
    progress.step("Verifying Checksum");
    progress.step("Download complete");
  });
  try {
    // Only the first failure is told; it ends the others, which are waited for below.
    const failed = new Promise<never>((_, reject) => {
      for (const one of fetched) one.catch(reject);
    });
    failed.catch(() => {});
    for (const [i, { blob, progress, here, chainId, diffId }] of layers.entries()) {
      await Promise.race([fetched[i], failed]);
      if (here) continue;
      if (deps.layers.get(chainId) === undefined) {
        const packed = counted(deps.blobs.open(blob.digest), (read) => progress.bytes("Extracting", read, blob.size));
        await deps.layers.addFromTar(i === 0 ? undefined : chain[i - 1], packed, { expect: diffId, signal });
      }
      progress.step("Pull complete");
    }
  } catch (error) {
    aborter.abort();
    await Promise.allSettled(fetched);
    if (isGantryError(error, "NO_SUCH_BLOB")) throw lied(error.message);
    throw error;
  }
}
