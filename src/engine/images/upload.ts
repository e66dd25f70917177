import { Readable } from "node:stream";
import { GantryError, isGantryError } from "../../base/errors.ts";
import type { Descriptor, Digest } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { parseReference } from "../../base/reference.ts";
import type { RegistryAuth, RepositoryRef } from "../../ports/remote-registry.ts";
import type { Catalog } from "./catalog.ts";
import type { TransferOptions } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Hold, Holds } from "./holds.ts";
import { packedLayer, packLayer } from "./layer-source.ts";
import { sha256 } from "./manifest.ts";
import { counted, type LayerProgress, Slots } from "./transfer-progress.ts";

/** Layers that go up at once. */
const AT_ONCE = 5;

export interface PushParts {
  deps: ImagesDeps;
  catalog: Catalog;
  holds: Holds;
}

/** One upload to a repository. */
export interface UploadSession extends PushParts {
  repo: RepositoryRef;
  remote: { auth: RegistryAuth | undefined; signal: AbortSignal };
  tell: OnProgress;
  hold: Hold;
  slots: Slots;
  abort: () => void;
}

/** Does `work` in a session that holds what it needs; whatever fails ends all of it. */
export async function uploading<T>(
  parts: PushParts,
  { repo, held }: { repo: RepositoryRef; held: Digest[] },
  options: TransferOptions,
  work: (session: UploadSession) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  const onAbort = (): void => aborter.abort();
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const hold = await parts.holds.take(held);
  const session: UploadSession = {
    ...parts,
    repo,
    remote: { auth: options.auth, signal: aborter.signal },
    tell: options.onProgress ?? (() => {}),
    hold,
    slots: new Slots(AT_ONCE),
    abort: onAbort,
  };
  try {
    return await work(session);
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

/** Brings layers up, the topmost first; their packed forms, in the order of the jobs. */
export async function uploadLayers(session: UploadSession, jobs: readonly LayerJob[]): Promise<Descriptor[]> {
  const work = jobs.toReversed().map((job) => {
    if (session.slots.busy) job.progress.step("Waiting");
    return session.slots.run(() => pushLayer(session, job), session.remote.signal);
  });
  return allOrAbort(work, session.abort);
}

/** Brings small bytes up, unless the registry has them. */
export async function uploadBytes({ deps, repo, remote }: UploadSession, bytes: Buffer): Promise<void> {
  const digest = sha256(bytes);
  if (await deps.registry.hasBlob(repo, digest, remote)) return;
  await deps.registry.putBlob(repo, digest, bytes.length, () => Readable.from([bytes], { objectMode: false }), remote);
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

export interface LayerJob {
  chainId: Digest;
  diffId: Digest;
  progress: LayerProgress;
  /** As the known manifest has it. */
  blob: Descriptor | undefined;
}

/** Brings one layer up by the cheapest way there is; gives its packed form. */
async function pushLayer(session: UploadSession, job: LayerJob): Promise<Descriptor> {
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
async function mount(session: UploadSession, blob: Descriptor, repositories: string[]): Promise<string | undefined> {
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
