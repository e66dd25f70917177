import { GantryError } from "../../base/errors.ts";
import type { FoundRepository, RemoteOptions } from "../../ports/remote-registry.ts";
import { isHub } from "./endpoint.ts";
import { complaint, lied, refusal } from "./replies.ts";
import type { Session } from "./session.ts";
import { readAll, type Transport } from "./transport.ts";

const ANSWER_LIMIT = 4 * 1024 * 1024;
/** Docker Hub is searched at another place than the one it serves images from. */
const HUB_INDEX = new URL("https://index.docker.io");

/** Asks `/v1/search`, of which version 2 of the registries' protocol has no successor. */
export async function search(
  transport: Transport,
  session: Session,
  query: { registry: string; words: string; limit: number },
  options: RemoteOptions,
): Promise<FoundRepository[]> {
  const { base, insecure } = isHub(query.registry)
    ? { base: HUB_INDEX, insecure: false }
    : await session.endpoint(query.registry, options.signal);
  const url = new URL("/v1/search", base);
  url.search = String(new URLSearchParams({ q: query.words, n: String(query.limit) }));
  const reply = await transport.send({
    method: "GET",
    url,
    headers: { "X-Docker-Token": "true", ...basic(options) },
    ...(options.signal ? { signal: options.signal } : {}),
    trustAnyone: insecure,
  });
  if (reply.status !== 200) {
    const said = await complaint(reply);
    if (said.status !== 404) throw refusal(said);
    throw new GantryError("unavailable", "NO_SEARCH", "Unexpected status code 404", {
      hint: `${query.registry} cannot be searched: few registries but Docker Hub can`,
    });
  }
  return parse(await readAll(reply.body, ANSWER_LIMIT, "the answer to a search"));
}

function basic({ auth }: RemoteOptions): Record<string, string> {
  if (!auth?.username || !auth.password) return {};
  return { Authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}` };
}

function parse(bytes: Buffer): FoundRepository[] {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  try {
    const { results } = JSON.parse(bytes.toString("utf8")) as { results?: Record<string, unknown>[] | null };
    return (results ?? []).map((row) => ({
      name: text(row["name"]),
      description: text(row["description"]),
      stars: Number(row["star_count"] ?? 0) || 0,
      official: row["is_official"] === true,
    }));
  } catch {
    throw lied("the registry's answer to a search is no list of repositories");
  }
}
