import type { Readable } from "node:stream";
import type { Digest } from "../base/image-config.ts";

/** As in `X-Registry-Auth`. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
  serveraddress?: string;
}

export interface RepositoryRef {
  /** host[:port] */
  registry: string;
  /** path without tag */
  repository: string;
}

/**
 * One remote registry speaking the OCI distribution API. Loopback registries and those listed as insecure may
 * use plain HTTP. Credentials never follow a redirect to another host or go to a foreign realm.
 * Errors (Docker's words): notFound MANIFEST_UNKNOWN, unauthorized REGISTRY_DENIED, unavailable REGISTRY_UNREACHABLE
 * (also after 60 s without a byte), invalid REGISTRY_LIED (digest, size or media type don't match), canceled.
 */
export interface RemoteRegistry {
  /** `reference`: tag or digest. Verified against the digest where there is one; 4 MiB at most. */
  getManifest(
    repo: RepositoryRef,
    reference: string,
    options: RemoteOptions,
  ): Promise<{ bytes: Buffer; mediaType: string; digest: Digest }>;
  /** The blob from byte `start` on (Range). `start` in the answer says where the server really began. */
  getBlob(
    repo: RepositoryRef,
    digest: Digest,
    options: RemoteOptions & { start?: number },
  ): Promise<{ body: Readable; start: number; size?: number }>;
  hasBlob(repo: RepositoryRef, digest: Digest, options: RemoteOptions): Promise<boolean>;
  /** Cross-repository mount; true if the registry took it. */
  mountBlob(repo: RepositoryRef, digest: Digest, from: string, options: RemoteOptions): Promise<boolean>;
  putBlob(
    repo: RepositoryRef,
    digest: Digest,
    size: number,
    body: () => Readable,
    options: RemoteOptions,
  ): Promise<void>;
  putManifest(
    repo: RepositoryRef,
    reference: string,
    bytes: Buffer,
    mediaType: string,
    options: RemoteOptions,
  ): Promise<Digest>;
  /** All tags of a repository (`pull --all-tags`). */
  listTags(repo: RepositoryRef, options: RemoteOptions): Promise<string[]>;
  /** What a registry (host[:port]) finds for some words, `limit` rows at most; most have no search and answer 404. */
  search(registry: string, words: string, limit: number, options: RemoteOptions): Promise<FoundRepository[]>;
  /** Checks credentials (`docker login`); returns Docker's status words. */
  login(auth: RegistryAuth, options: { signal?: AbortSignal }): Promise<{ status: string; identityToken?: string }>;
}

export interface FoundRepository {
  name: string;
  description: string;
  stars: number;
  official: boolean;
}

export interface RemoteOptions {
  auth?: RegistryAuth;
  signal?: AbortSignal;
}
