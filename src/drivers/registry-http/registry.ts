import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import { type Digest, MEDIA } from "../../base/image-config.ts";
import { familiarName, familiarRepository, isDigest } from "../../base/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  FoundRepository,
  RegistryAuth,
  RemoteOptions,
  RemoteRegistry,
  RepositoryRef,
} from "../../ports/remote-registry.ts";
import { Authorizer } from "./authorizer.ts";
import { InsecureList } from "./endpoint.ts";
import { complaint, lied, refusal, type RegistryComplaint } from "./replies.ts";
import { addressFrom, checkedPath, Session } from "./session.ts";
import { canceled, readAll, Transport } from "./transport.ts";
import { uploadBlob } from "./upload.ts";
import { login } from "./login.ts";
import { search } from "./search.ts";

export interface HttpRegistryDeps {
  clock: Clock;
  /** host[:port], addresses or CIDR ranges that may use plain HTTP or an unverified certificate. Loopback always may. */
  insecureRegistries?: string[];
  /** Milliseconds without progress until a registry is given up; default 60000. */
  idleTimeoutMs?: number;
  /** Milliseconds before the first new attempt of an upload, doubling; default 500. */
  retryPauseMs?: number;
  /** PEM certificates to trust instead of the system's. */
  ca?: string;
}

const MANIFEST_LIMIT = 4 * 1024 * 1024;
const TAGS_LIMIT = 4 * 1024 * 1024;
const MOST_TAG_PAGES = 1000;
const MANIFEST_TYPES: string[] = [MEDIA.dockerManifest, MEDIA.dockerList, MEDIA.ociManifest, MEDIA.ociIndex];

const pullScope = (repo: RepositoryRef): string => `repository:${repo.repository}:pull`;

/** Registries over HTTP(S), as the OCI distribution spec and Docker's token protocol have it. */
export class HttpRegistry implements RemoteRegistry {
  private readonly transport: Transport;
  private readonly authorizer: Authorizer;
  private readonly session: Session;
  private readonly insecure: InsecureList;
  private readonly retryPauseMs: number;

  constructor(deps: HttpRegistryDeps) {
    this.transport = new Transport({ idleMs: deps.idleTimeoutMs ?? 60_000, ca: deps.ca });
    this.authorizer = new Authorizer(this.transport, deps.clock);
    this.insecure = new InsecureList(deps.insecureRegistries ?? []);
    this.session = new Session(this.transport, this.authorizer, this.insecure);
    this.retryPauseMs = deps.retryPauseMs ?? 500;
  }

  /** Takes effect for registries that are spoken to from now on. */
  setInsecure(entries: string[]): void {
    this.insecure.replace(entries);
    this.session.forgetAll();
  }

  /** Ends the kept connections. */
  close(): void {
    this.transport.close();
  }

  async getManifest(
    repo: RepositoryRef,
    reference: string,
    options: RemoteOptions,
  ): Promise<{ bytes: Buffer; mediaType: string; digest: Digest }> {
    const reply = await this.session.ask(
      repo.registry,
      {
        method: "GET",
        target: checkedPath(repo, "manifests", reference),
        headers: { Accept: MANIFEST_TYPES.join(", ") },
        scopes: [pullScope(repo)],
      },
      options,
    );
    if (reply.status !== 200) throw pullRefusal(await complaint(reply), repo, reference);
    const mediaType = (reply.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
    if (!MANIFEST_TYPES.includes(mediaType)) {
      reply.body.destroy();
      throw lied(`unsupported manifest media type and no default available: ${mediaType || "none given"}`);
    }
    const bytes = await readAll(reply.body, MANIFEST_LIMIT, "the manifest");
    const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const claimed = reply.headers["docker-content-digest"];
    const wanted = isDigest(reference) ? reference : typeof claimed === "string" ? claimed : digest;
    if (wanted !== digest) throw lied(`manifest verification failed for digest ${wanted}: the bytes are ${digest}`);
    return { bytes, mediaType, digest };
  }

  async getBlob(
    repo: RepositoryRef,
    digest: Digest,
    options: RemoteOptions & { start?: number },
  ): Promise<{ body: Readable; start: number; size?: number }> {
    const start = options.start ?? 0;
    const ask = (from: number): ReturnType<Session["ask"]> =>
      this.session.ask(
        repo.registry,
        {
          method: "GET",
          target: checkedPath(repo, "blobs", digest),
          headers: from > 0 ? { Range: `bytes=${from}-` } : {},
          scopes: [pullScope(repo)],
        },
        options,
      );
    let reply = await ask(start);
    if (reply.status === 416 && start > 0) {
      reply.body.destroy();
      reply = await ask(0);
    }
    if (reply.status === 206) {
      const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(reply.headers["content-range"] ?? "");
      if (!range || Number(range[1]) > start) {
        reply.body.destroy();
        throw lied(`the registry answered bytes ${start}- with ${JSON.stringify(reply.headers["content-range"])}`);
      }
      return { body: reply.body, start: Number(range[1]), size: range[3] === "*" ? undefined : Number(range[3]) };
    }
    if (reply.status !== 200) {
      const said = await complaint(reply);
      if (said.status !== 404) throw refusal(said);
      throw new GantryError(
        "notFound",
        "BLOB_UNKNOWN",
        said.code ? said.words : "blob unknown: blob unknown to registry",
      );
    }
    const length = reply.headers["content-length"];
    return { body: reply.body, start: 0, size: length === undefined ? undefined : Number(length) };
  }

  async hasBlob(repo: RepositoryRef, digest: Digest, options: RemoteOptions): Promise<boolean> {
    const reply = await this.session.ask(
      repo.registry,
      {
        method: "HEAD",
        target: checkedPath(repo, "blobs", digest),
        scopes: [`repository:${repo.repository}:pull,push`],
      },
      options,
    );
    reply.body.resume();
    if (reply.status === 200) return true;
    if (reply.status === 404) return false;
    throw refusal(await complaint(reply));
  }

  async mountBlob(repo: RepositoryRef, digest: Digest, from: string, options: RemoteOptions): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const scopes = [`repository:${repo.repository}:pull,push`, `repository:${from}:pull`];
    const target = `${checkedPath(repo, "blobs/uploads/")}?${query}`;
    const reply = await this.session.ask(
      repo.registry,
      { method: "POST", target, body: Buffer.alloc(0), scopes },
      options,
    );
    reply.body.resume();
    if (reply.status === 201) return true;
    // The registry began an ordinary upload instead: give its session back.
    if (reply.status === 202 && reply.headers.location !== undefined) {
      const address = addressFrom(reply.headers.location, reply.url);
      const ended = await this.session.ask(repo.registry, { method: "DELETE", target: address, scopes }, options);
      ended.body.resume();
    }
    return false;
  }

  putBlob(
    repo: RepositoryRef,
    digest: Digest,
    size: number,
    body: () => Readable,
    options: RemoteOptions,
  ): Promise<void> {
    checkedPath(repo, "blobs", digest);
    return uploadBlob(this.session, { repo, digest, size, body }, options, async (attempt) => {
      try {
        await delay(this.retryPauseMs * 2 ** (attempt - 1), undefined, { signal: options.signal });
      } catch (error) {
        throw canceled(error);
      }
    });
  }

  async putManifest(
    repo: RepositoryRef,
    reference: string,
    bytes: Buffer,
    mediaType: string,
    options: RemoteOptions,
  ): Promise<Digest> {
    const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const reply = await this.session.ask(
      repo.registry,
      {
        method: "PUT",
        target: checkedPath(repo, "manifests", reference),
        headers: { "Content-Type": mediaType },
        body: bytes,
        scopes: [`repository:${repo.repository}:pull,push`],
      },
      options,
    );
    if (reply.status !== 201 && reply.status !== 200) throw refusal(await complaint(reply));
    reply.body.resume();
    const claimed = reply.headers["docker-content-digest"];
    if (claimed !== undefined && claimed !== digest)
      throw lied(`the registry stored ${String(claimed)} instead of ${digest}`);
    return digest;
  }

  async listTags(repo: RepositoryRef, options: RemoteOptions): Promise<string[]> {
    const tags: string[] = [];
    let target: string | URL = `${checkedPath(repo, "tags/list")}?n=1000`;
    for (let page = 0; page < MOST_TAG_PAGES; page += 1) {
      const reply = await this.session.ask(
        repo.registry,
        { method: "GET", target, scopes: [pullScope(repo)] },
        options,
      );
      if (reply.status !== 200) throw pullRefusal(await complaint(reply), repo);
      const bytes = await readAll(reply.body, TAGS_LIMIT, "the list of tags");
      tags.push(...parseTags(bytes));
      const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec([reply.headers.link ?? ""].flat().join(","))?.[1];
      if (next === undefined) break;
      target = addressFrom(next, reply.url);
    }
    return tags;
  }

  search(registry: string, words: string, limit: number, options: RemoteOptions): Promise<FoundRepository[]> {
    return search(this.transport, this.session, { registry, words, limit }, options);
  }

  login(auth: RegistryAuth, options: { signal?: AbortSignal }): Promise<{ status: string; identityToken?: string }> {
    return login(this.transport, this.authorizer, this.session, auth, options.signal);
  }
}

function parseTags(bytes: Buffer): string[] {
  try {
    const { tags } = JSON.parse(bytes.toString("utf8")) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) return tags;
  } catch {
    // told below
  }
  throw lied("the registry's list of tags is no list of tags");
}

/** Docker's words for a pull that the registry refused. */
function pullRefusal(said: RegistryComplaint, repo: RepositoryRef, reference?: string): GantryError {
  const name = familiarRepository(repo);
  const details = { status: said.status, registryCode: said.code };
  if (said.code === "DENIED") {
    const message = `pull access denied for ${name}, repository does not exist or may require 'docker login': ${said.words}`;
    return new GantryError("notFound", "REGISTRY_DENIED", message, { details });
  }
  if (said.code === "NAME_UNKNOWN") {
    return new GantryError("notFound", "MANIFEST_UNKNOWN", `repository ${name} not found: ${said.words}`, { details });
  }
  if (said.status === 404) {
    const words = said.code === "" ? "manifest unknown: manifest unknown" : said.words;
    const whole =
      reference === undefined
        ? name
        : familiarName({ ...repo, ...(isDigest(reference) ? { digest: reference } : { tag: reference }) });
    return new GantryError("notFound", "MANIFEST_UNKNOWN", `manifest for ${whole} not found: ${words}`, { details });
  }
  return refusal(said);
}
