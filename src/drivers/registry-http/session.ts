import type { Readable } from "node:stream";
import { isDigest } from "../../base/reference.ts";
import { GantryError } from "../../base/errors.ts";
import type { RemoteOptions, RepositoryRef } from "../../ports/remote-registry.ts";
import type { Authorizer } from "./authorizer.ts";
import { pickChallenge } from "./challenge.ts";
import { type Endpoint, type InsecureList, probe } from "./endpoint.ts";
import { lied } from "./replies.ts";
import { requestFailed, type Exchange, type Reply, type Transport } from "./transport.ts";

export interface Ask {
  method: Exchange["method"];
  /** Below the registry's root (`/v2/x/manifests/latest`), or a whole address that the registry gave. */
  target: string | URL;
  headers?: Record<string, string>;
  body?: Buffer | (() => Readable);
  /** Token scopes, `repository:NAME:pull`. */
  scopes: string[];
}

const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const REPOSITORY = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** Names become part of a path: nothing gets through that could change it. */
export function checkedPath(
  repo: RepositoryRef,
  rest: "manifests" | "blobs" | "blobs/uploads/" | "tags/list",
  last = "",
): string {
  const safe = rest === "manifests" ? isDigest(last) || TAG.test(last) : rest === "blobs" ? isDigest(last) : true;
  if (!REPOSITORY.test(repo.repository) || !safe) {
    throw new GantryError("invalid", "BAD_REFERENCE", "invalid reference format", {
      details: { repository: repo.repository, reference: last },
    });
  }
  return `/v2/${repo.repository}/${rest}${last === "" ? "" : `/${last}`}`;
}

/** Requests to registries: finds the endpoint, answers challenges, follows redirects without the credentials. */
export class Session {
  private readonly transport: Transport;
  private readonly authorizer: Authorizer;
  private readonly insecureList: InsecureList;
  private readonly endpoints = new Map<string, Promise<Endpoint>>();

  constructor(transport: Transport, authorizer: Authorizer, insecureList: InsecureList) {
    this.transport = transport;
    this.authorizer = authorizer;
    this.insecureList = insecureList;
  }

  endpoint(registry: string, signal?: AbortSignal): Promise<Endpoint> {
    let known = this.endpoints.get(registry);
    if (known === undefined) {
      // Shared by all who ask meanwhile, so one caller's abort must not end it; the idle limit does.
      known = probe(this.transport, registry, this.insecureList);
      this.endpoints.set(registry, known);
      known.catch(() => this.forget(registry));
    }
    if (signal === undefined) return known;
    return abortable(known, signal);
  }

  /** The next request probes anew: the registry may have come back with another scheme. */
  forget(registry: string): void {
    this.endpoints.delete(registry);
  }

  forgetAll(): void {
    this.endpoints.clear();
  }

  async ask(registry: string, ask: Ask, options: RemoteOptions): Promise<Reply> {
    const { signal, auth } = options;
    const endpoint = await this.endpoint(registry, signal);
    let { method } = ask;
    let url = typeof ask.target === "string" ? new URL(ask.target, endpoint.base) : ask.target;
    let hops = 0;
    let refused = false;
    for (;;) {
      if (url.protocol !== "https:" && !(url.protocol === "http:" && endpoint.base.protocol === "http:")) {
        throw lied(`the registry ${registry} points to ${url.href}: refused, only https is safe for it`);
      }
      const home = url.origin === endpoint.base.origin;
      const headers = { ...ask.headers };
      if (home) {
        const token = await this.authorizer
          .header(endpoint, ask.scopes, auth, { signal, fresh: refused })
          .catch((error: unknown) => {
            throw error instanceof GantryError && error.code === "NO_CREDENTIALS"
              ? new GantryError("unauthorized", "REGISTRY_DENIED", requestFailed(method, url, error.message).message, {
                  hint: `log in first: docker login ${registry}`,
                })
              : error;
          });
        if (token !== undefined) headers["Authorization"] = token;
      }
      const body = typeof ask.body === "function" ? ask.body() : ask.body;
      let reply: Reply;
      try {
        reply = await this.transport.send({
          method,
          url,
          headers,
          body,
          signal,
          trustAnyone: endpoint.insecure && home,
        });
      } catch (error) {
        if (home && !signal?.aborted) this.forget(registry);
        throw error;
      }
      if (reply.status === 401 && home && !refused) {
        // An expired token, a narrower scope than needed, or a registry that was set up anew.
        refused = true;
        endpoint.challenge = pickChallenge(reply.headers["www-authenticate"]) ?? endpoint.challenge;
        if (
          endpoint.challenge !== undefined &&
          (endpoint.challenge.scheme === "bearer" || headers["Authorization"] === undefined)
        ) {
          reply.body.resume();
          continue;
        }
      }
      const location = reply.headers.location;
      if (REDIRECTS.has(reply.status) && location !== undefined && (method === "GET" || method === "HEAD")) {
        reply.body.resume();
        hops += 1;
        if (hops > MOST_REDIRECTS) throw lied(`${registry}: stopped after ${MOST_REDIRECTS} redirects`);
        url = addressFrom(location, url);
        if (reply.status === 303) method = "GET";
        continue;
      }
      return reply;
    }
  }
}

/** An address that a registry gave, perhaps relative to the one it was asked at. */
export function addressFrom(location: string, base: URL): URL {
  try {
    const url = new URL(location, base);
    // User and password in an address would be sent as credentials.
    url.username = "";
    url.password = "";
    url.hash = "";
    return url;
  } catch (cause) {
    throw new GantryError(
      "invalid",
      "REGISTRY_LIED",
      `the registry gave an invalid address: ${JSON.stringify(location)}`,
      { cause },
    );
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new GantryError("canceled", "CANCELED", "context canceled"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
