import type { CheckReport } from "../base/build-checks.ts";
import type { ImageExplanation } from "../wire/types/explain.ts";
import type {
  DistributionInspect,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSearchResult,
  ImageSummary,
  ProgressLine,
  PruneBuildResponse,
  PruneImagesResponse,
} from "../wire/types/images.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { Filters } from "./containers.ts";
import { filtersText, imagePath, type Query } from "./query.ts";
import { type Transport } from "./transport.ts";

/** What /build takes, in the API's own names; objects go out as JSON. */
export interface BuildOptions {
  dockerfile?: string;
  t?: string[];
  buildargs?: Record<string, string | null>;
  labels?: Record<string, string>;
  /** Images, or (Gantry's own) exported caches: `type=registry,ref=…`, `type=local,src=…` with a session. */
  cachefrom?: string[];
  /** Gantry's own: where the steps are to go for others. */
  cacheto?: string[];
  /** Gantry's own: `[TYPE:]KEY=VALUE`, what the image's manifests are to say besides. */
  annotations?: string[];
  /** Gantry's own: `type=provenance[,mode=max]`, `type=sbom`. */
  attest?: string[];
  target?: string;
  nocache?: boolean;
  pull?: boolean;
  q?: boolean;
  rm?: boolean;
  forcerm?: boolean;
  networkmode?: string;
  extrahosts?: string[];
  platform?: string;
  memory?: number;
  memswap?: number;
  cpushares?: number;
  cpuperiod?: number;
  cpuquota?: number;
  cpusetcpus?: string;
  cpusetmems?: string;
  cgroupparent?: string;
  shmsize?: number;
  ulimits?: { Name: string; Soft: number; Hard: number }[];
  squash?: boolean;
  isolation?: string;
  securityopt?: string[];
  remote?: string;
  /** Gantry's own: stages that don't use the cache. */
  nocachefilter?: string[];
  /** Gantry's own: `events` gives ProgressLine's `build` instead of the classic builder's words. */
  progress?: "classic" | "events";
  /** Gantry's own: say of each step that is not in the cache why it isn't. */
  why?: boolean;
  /** Gantry's own, with events: a RUN that fails is held, and an event tells how to get into it. */
  shellonfail?: boolean;
  /** Gantry's own: the name of a build session that was opened before. */
  buildsession?: string;
  /** With a session, in place of a body: the name by which the engine keeps the context's folder. */
  contextkey?: string;
  /** Gantry's own use of Docker's field: what the session is to be sent, by position. */
  outputs?: { Type: "image" | "local" | "tar" | "oci" | "docker" }[];
  /** `--build-context`: by name the key of a folder, or docker-image://NAME. */
  contexts?: Record<string, string>;
}

/** The value of X-Registry-Auth. */
export const authHeader = (auth: AuthConfig | Record<string, AuthConfig>): string =>
  Buffer.from(JSON.stringify(auth)).toString("base64").replace(/\+/g, "-").replace(/\//g, "_");

/** Lists that go out as one parameter for each. */
const REPEATED = new Set(["t", "extrahosts", "nocachefilter"]);

export class Images {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(
    options: { all?: boolean; filters?: Filters; digests?: boolean; manifests?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<ImageSummary[]> {
    const { all, digests, filters, manifests } = options;
    return this.transport.json("GET", "/images/json", {
      query: { all, digests, manifests, filters: filtersText(filters) },
      signal,
    });
  }

  inspect(name: string, signal?: AbortSignal): Promise<ImageInspect> {
    return this.transport.json("GET", `/images/${imagePath(name)}/json`, { signal });
  }

  /** Here and below: `platform` is the JSON of one. */
  history(name: string, options: { platform?: string } = {}, signal?: AbortSignal): Promise<ImageHistoryItem[]> {
    return this.transport.json("GET", `/images/${imagePath(name)}/history`, { query: { ...options }, signal });
  }

  async tag(name: string, repo: string, tag: string, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/images/${imagePath(name)}/tag`, { query: { repo, tag }, signal });
  }

  remove(
    name: string,
    options: { force?: boolean; noprune?: boolean; platforms?: string[] } = {},
    signal?: AbortSignal,
  ): Promise<ImageDeleteItem[]> {
    return this.transport.json("DELETE", `/images/${imagePath(name)}`, { query: { ...options }, signal });
  }

  /** `from`: the repository, `tag`: tag or digest; without one all tags. */
  pull(
    from: string,
    tag: string,
    options: { platform?: string; auth?: AuthConfig } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", "/images/create", {
      query: { fromImage: from, tag, platform: options.platform },
      headers: options.auth === undefined ? {} : { "X-Registry-Auth": authHeader(options.auth) },
      signal,
    });
  }

  /** An empty `tag` pushes every tag of the repository. */
  push(
    name: string,
    tag: string,
    options: { auth?: AuthConfig; platform?: string } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", `/images/${imagePath(name)}/push`, {
      query: { tag, platform: options.platform },
      headers: { "X-Registry-Auth": authHeader(options.auth ?? {}) },
      signal,
    });
  }

  /** Makes an image of a tar (`body`) or of what a URL holds (`source`). */
  import(
    source: string,
    options: { repo?: string; tag?: string; message?: string; changes?: string[]; platform?: string },
    body?: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", "/images/create", { query: { fromSrc: source, ...options }, body, signal });
  }

  load(
    body: AsyncIterable<Uint8Array>,
    options: { quiet?: boolean; platform?: string } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", "/images/load", {
      query: { quiet: options.quiet ? "1" : "0", platform: options.platform },
      body,
      signal,
    });
  }

  async save(
    names: string[],
    options: { platform?: string } = {},
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<Buffer>> {
    return (await this.transport.request("GET", "/images/get", { query: { names, ...options }, signal })).body;
  }

  prune(filters?: Filters, signal?: AbortSignal): Promise<PruneImagesResponse> {
    return this.transport.json("POST", "/images/prune", { query: { filters: filtersText(filters) }, signal });
  }

  pruneBuildCache(
    options: { all?: boolean; filters?: Filters; keepBytes?: number; mostBytes?: number; freeBytes?: number } = {},
    signal?: AbortSignal,
  ): Promise<PruneBuildResponse> {
    return this.transport.json("POST", "/build/prune", {
      query: {
        all: options.all,
        filters: filtersText(options.filters),
        // The same under the names of API 1.48 and of those before.
        ...(options.keepBytes !== undefined && {
          "reserved-space": options.keepBytes,
          "keep-storage": options.keepBytes,
        }),
        "max-used-space": options.mostBytes,
        "min-free-space": options.freeBytes,
      },
      signal,
    });
  }

  /** What the registry has under a name. */
  distribution(name: string, options: { auth?: AuthConfig } = {}, signal?: AbortSignal): Promise<DistributionInspect> {
    return this.transport.json("GET", `/distribution/${imagePath(name)}/json`, {
      headers: options.auth === undefined ? {} : { "X-Registry-Auth": authHeader(options.auth) },
      signal,
    });
  }

  search(
    term: string,
    options: { limit?: number; filters?: Filters; auth?: AuthConfig } = {},
    signal?: AbortSignal,
  ): Promise<ImageSearchResult[]> {
    return this.transport.json("GET", "/images/search", {
      query: { term, limit: options.limit, filters: filtersText(options.filters) },
      headers: options.auth === undefined ? {} : { "X-Registry-Auth": authHeader(options.auth) },
      signal,
    });
  }

  /** `context`: a tar of the build's folder. */
  build(
    context: AsyncIterable<Uint8Array> | undefined,
    options: BuildOptions,
    auths: Record<string, AuthConfig> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", "/build", {
      query: buildQuery(options),
      headers: { "X-Registry-Config": authHeader(auths) },
      body: context,
      signal,
    });
  }

  /** What Docker's build checks say of a Dockerfile. Gantry's own. `context`: a tar with it and its ignore file. */
  checkBuild(
    context: Buffer | AsyncIterable<Uint8Array> | undefined,
    options: BuildOptions,
    signal?: AbortSignal,
  ): Promise<CheckReport> {
    return this.transport.json("POST", "/gantry/build/check", {
      query: buildQuery(options),
      ...(context && { body: context, contentType: "application/x-tar" }),
      signal,
    });
  }

  /** What it is made of. Gantry's own: dockerd has no such thing. */
  explain(name: string, signal?: AbortSignal): Promise<ImageExplanation> {
    return this.transport.json("GET", `/gantry/explain/images/${imagePath(name)}`, { signal });
  }

  /** Gantry's own: makes a base image without a registry. `name`: busybox or debian:SUITE. */
  bootstrap(name: string, options: { mirror?: string } = {}, signal?: AbortSignal): AsyncGenerator<ProgressLine> {
    return this.transport.lines("POST", "/gantry/images/bootstrap", { query: { name, ...options }, signal });
  }
}

function buildQuery(options: BuildOptions): Query {
  const query: Query = {};
  for (const [name, value] of Object.entries(options)) {
    const plain = typeof value !== "object" || REPEATED.has(name);
    query[name] = plain ? (value as Query[string]) : JSON.stringify(value);
  }
  if (options.rm === false) query["rm"] = "0";
  return query;
}
