import { pipeline } from "node:stream/promises";
import { GantryError } from "../../base/errors.ts";
import type { ProgressEvent } from "../../base/progress.ts";
import type { Images } from "../../engine/images/images.ts";
import type { Downloads } from "../../ports/build-files.ts";
import type { Clock } from "../../ports/clock.ts";
import { progressBar } from "../../wire/progress-bar.ts";
import type { ImageHistoryItem, ImageSearchResult, PruneImagesResponse } from "../../wire/types/images.ts";
import { checkPlatform } from "./image-platform.ts";
import { changeLines } from "./archive.ts";
import { type Call, type Handler, type Route, streamJson } from "../call.ts";
import { imageJson } from "../encode/image.ts";
import { shaped } from "../encode/old-shapes.ts";
import { openRemote } from "./import-source.ts";
import { requestBody } from "../request-body.ts";
import { pickAuth, registryAuth } from "../registry-auth.ts";

export interface ImageRoutesDeps {
  images: Images;
  /** For an import from a URL. */
  downloads: Downloads;
  clock: Clock;
}

const badRequest = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_QUERY", message, { hint });

/** Everything below /images, and /auth and /distribution. Names may hold slashes, so what follows one is split off here. */
export function imageRoutes(deps: ImageRoutesDeps): Route[] {
  const { images } = deps;
  return [
    { method: "GET", path: "/images/json", handler: (call) => list(images, call) },
    { method: "GET", path: "/images/get", handler: (call) => save(images, call, call.query.getAll("names")) },
    { method: "GET", path: "/images/search", handler: (call) => search(images, call) },
    {
      method: "GET",
      path: "/images/*",
      handler: byAction({
        json: (call, name) => {
          checkPlatform(images, call, [name], 49);
          call.send(200, shaped(call, "image", imageJson(images.inspect(name))));
        },
        history: (call, name) => {
          checkPlatform(images, call, [name], 48);
          call.send(200, images.history(name) satisfies ImageHistoryItem[]);
        },
        get: (call, name) => save(images, call, [name]),
      }),
    },
    { method: "POST", path: "/images/create", handler: (call) => create(deps, call) },
    { method: "POST", path: "/images/load", handler: (call) => load(images, call) },
    { method: "POST", path: "/images/prune", handler: (call) => prune(images, call) },
    {
      method: "POST",
      path: "/images/*",
      handler: byAction({
        push: (call, name) => push(images, call, name),
        tag: (call, name) => tag(images, call, name),
      }),
    },
    { method: "DELETE", path: "/images/*", handler: (call) => remove(images, call) },
    { method: "POST", path: "/auth", handler: (call) => login(images, call) },
    {
      method: "GET",
      path: "/distribution/*",
      handler: byAction({ json: (call, name) => distribution(images, call, name) }),
    },
  ];
}

/** Splits `NAME/ACTION`, where the name may hold slashes itself. */
function byAction(actions: Record<string, (call: Call, name: string) => Promise<void> | void>): Handler {
  return (call) => {
    const rest = call.param("*");
    const cut = rest.lastIndexOf("/");
    const action = rest.slice(cut + 1);
    if (cut < 1 || !Object.hasOwn(actions, action)) throw new GantryError("notFound", "NO_SUCH_PAGE", "page not found");
    return actions[action]!(call, rest.slice(0, cut));
  };
}

function list(images: Images, call: Call): void {
  const filters = call.filters();
  // The filter's old form.
  const pattern = call.query.get("filter");
  if (pattern && !call.atLeast(41)) filters.set("reference", [pattern]);
  const sharedSize = call.atLeast(42) && call.flag("shared-size");
  const options = { all: call.flag("all"), filters, sharedSize, containerCount: call.atLeast(51) };
  call.send(
    200,
    images.list(options).map((summary) => shaped(call, "image-row", summary)),
  );
}

/** An event as Docker's API sends it: with the bar drawn. */
function progressLine(event: ProgressEvent): object {
  const progress = progressBar(event.progressDetail);
  return progress === "" ? event : { ...event, progress };
}

const platformOf = (images: Images, call: Call): { platform?: ReturnType<Images["platform"]> } => {
  const text = call.query.get("platform");
  return text ? { platform: images.platform(text) } : {};
};

async function create({ images, ...remote }: ImageRoutesDeps, call: Call): Promise<void> {
  const from = call.query.get("fromImage");
  if (from) return pull(images, call, from);
  const source = call.query.get("fromSrc");
  if (!source) throw badRequest("fromImage or fromSrc is missing");
  const repository = call.query.get("repo");
  const tag = call.query.get("tag");
  const name = repository ? repository + (tag ? `:${tag}` : "") : undefined;
  await streamJson(call, async (send) => {
    const tell = (event: ProgressEvent): void => send(progressLine(event));
    const tar = source === "-" ? requestBody(call.request) : await openRemote(remote, source, tell, call.signal);
    const record = await images.import({
      tar,
      ...(name === undefined ? {} : { name }),
      changes: changeLines(call),
      message: call.query.get("message") || `Imported from ${source}`,
      ...platformOf(images, call),
      signal: call.signal,
    });
    send({ status: record.id });
  });
}

async function pull(images: Images, call: Call, from: string): Promise<void> {
  const auth = registryAuth(call.request.headers["x-registry-auth"]);
  const target = { ...nameWithTag(from.replace(/:$/, ""), call.query.get("tag")), ...platformOf(images, call) };
  await streamJson(call, async (send) => {
    const onProgress = (event: ProgressEvent): void => send(progressLine(event));
    await images.pull(target, { auth, signal: call.signal, onProgress }).catch(refusedByRegistry);
  });
}

/** To a 401 `docker pull` would ask for a name and password, also where nobody sits at a terminal: dockerd answers 500. */
function refusedByRegistry(error: unknown): never {
  if (!(error instanceof GantryError) || error.kind !== "unauthorized") throw error;
  const { code, message, hint, details } = error;
  throw new GantryError("internal", code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    cause: error,
  });
}

/** `tag` may be a digest; a name without either means all tags. */
function nameWithTag(name: string, tag: string | null): { reference: string; allTags: boolean } {
  if (tag) return { reference: `${name}${tag.includes(":") ? "@" : ":"}${tag}`, allTags: false };
  return { reference: name, allTags: true };
}

async function push(images: Images, call: Call, name: string): Promise<void> {
  const auth = registryAuth(call.request.headers["x-registry-auth"]);
  const target = nameWithTag(name, call.query.get("tag"));
  checkPlatform(images, call, target.allTags ? [] : [target.reference], 46);
  await streamJson(call, async (send) => {
    await images.push(target, { auth, signal: call.signal, onProgress: (event) => send(progressLine(event)) });
  });
}

async function load(images: Images, call: Call): Promise<void> {
  const quiet = call.flag("quiet");
  await streamJson(call, async (send) => {
    await images.load(requestBody(call.request), {
      quiet,
      signal: call.signal,
      onProgress: (event) => send(progressLine(event)),
    });
  });
}

async function save(images: Images, call: Call, names: string[]): Promise<void> {
  checkPlatform(images, call, names, 48);
  const tar = await images.save(names, call.signal);
  // The status is out: after a failure, which the engine logs, the client sees the connection break.
  await pipeline(tar, call.stream("application/x-tar")).catch(() => {});
}

function tag(images: Images, call: Call, name: string): void {
  const repository = call.query.get("repo");
  if (!repository) throw badRequest("invalid reference format", "the repository to tag into is missing");
  const tagName = call.query.get("tag");
  images.tag(name, repository + (tagName ? `:${tagName}` : ""));
  call.empty(201);
}

async function remove(images: Images, call: Call): Promise<void> {
  const name = call.param("*");
  if (name.trim() === "") throw badRequest("image name cannot be blank");
  checkPlatform(images, call, [name], 50);
  const { items } = await images.remove(name, { force: call.flag("force"), noPrune: call.flag("noprune") });
  call.send(200, items);
}

async function prune(images: Images, call: Call): Promise<void> {
  call.send(200, (await images.prune(call.filters())) satisfies PruneImagesResponse);
}

async function login(images: Images, call: Call): Promise<void> {
  const auth = pickAuth(await call.json());
  const { status, identityToken } = await images.login(auth, call.signal);
  call.send(200, { Status: status, IdentityToken: identityToken ?? "" });
}

async function distribution(images: Images, call: Call, name: string): Promise<void> {
  const auth = registryAuth(call.request.headers["x-registry-auth"]);
  const { descriptor, platforms } = await images.distribution(name, { auth, signal: call.signal });
  call.send(200, { Descriptor: descriptor, Platforms: platforms });
}

async function search(images: Images, call: Call): Promise<void> {
  const limit = call.int("limit");
  const auth = registryAuth(call.request.headers["x-registry-auth"]);
  const found = await images.search({
    term: call.query.get("term") ?? "",
    ...(limit === undefined ? {} : { limit }),
    filters: call.filters(),
    ...(auth && { auth }),
    signal: call.signal,
  });
  const rows: ImageSearchResult[] = found.map(({ name, description, stars, official }) => ({
    star_count: stars,
    is_official: official,
    name,
    is_automated: false,
    description,
  }));
  call.send(200, rows);
}
