import { GantryError } from "../../base/errors.ts";
import type { FoundRepository, RegistryAuth } from "../../ports/remote-registry.ts";
import type { ImagesDeps } from "./deps.ts";

export interface SearchRequest {
  /** Words, after `host[:port]/` to ask another registry than Docker Hub. */
  term: string;
  limit?: number;
  /** `is-official`, `is-automated`: true or false; `stars`: at least so many. */
  filters?: ReadonlyMap<string, string[]>;
  auth?: RegistryAuth;
  signal?: AbortSignal;
}

const FILTERS = ["is-automated", "is-official", "stars"];
const MOST = 100;
const USUAL = 25;

const bad = (code: string, message: string): GantryError => new GantryError("invalid", code, message);

/** Asks a registry's index. Throws invalid BAD_FILTERS, BAD_LIMIT, BAD_REFERENCE before it is asked. */
export async function search(
  { registry }: Pick<ImagesDeps, "registry">,
  request: SearchRequest,
): Promise<FoundRepository[]> {
  const { auth, signal, filters = new Map() } = request;
  const wanted = wish(filters);
  const limit = request.limit || USUAL;
  if (limit < 1 || limit > MOST) throw bad("BAD_LIMIT", `limit ${limit} is outside the range of [1, ${MOST}]`);
  const { host, words } = split(request.term);
  const found = await registry.search(host, words, limit, { ...(auth && { auth }), ...(signal && { signal }) });
  // no repository is automated any more
  if (wanted.automated === true) return [];
  return found.filter(
    ({ official, stars }) => (wanted.official === undefined || official === wanted.official) && stars >= wanted.stars,
  );
}

/** As in an image's name, what comes before the first slash is a host if it looks like one. */
function split(term: string): { host: string; words: string } {
  if (/^https?:\/\//.test(term)) {
    throw bad("BAD_REFERENCE", `invalid repository name: repository name (${term}) should not have a scheme`);
  }
  const cut = term.indexOf("/");
  const first = term.slice(0, Math.max(cut, 0));
  if (/[.:]/.test(first) || first === "localhost") return { host: first, words: term.slice(cut + 1) };
  return { host: "docker.io", words: term.replace(/^library\//, "") };
}

function wish(filters: ReadonlyMap<string, string[]>): { automated?: boolean; official?: boolean; stars: number } {
  for (const name of filters.keys()) if (!FILTERS.includes(name)) throw bad("BAD_FILTERS", `invalid filter '${name}'`);
  const flag = (name: string): boolean | undefined => {
    const values = filters.get(name) ?? [];
    if (values.length === 0) return undefined;
    const all = values.map((value) =>
      /^(1|true)$/i.test(value) ? true : /^(0|false)$/i.test(value) ? false : undefined,
    );
    if (all.includes(undefined) || new Set(all).size > 1) {
      throw bad("BAD_FILTERS", `invalid filter '${name}=[${values.join(" ")}]'`);
    }
    return all[0];
  };
  const stars = (filters.get("stars") ?? []).map((value) => {
    if (!/^\d+$/.test(value)) throw bad("BAD_FILTERS", `invalid filter 'stars=${value}'`);
    return Number(value);
  });
  const [automated, official] = [flag("is-automated"), flag("is-official")];
  return {
    ...(automated === undefined ? {} : { automated }),
    ...(official === undefined ? {} : { official }),
    stars: Math.max(0, ...stars),
  };
}
