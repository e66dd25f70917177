import { parseAnnotations } from "../../base/annotations.ts";
import { parseAttestWishes } from "../../base/attest-wishes.ts";
import { parseCacheSources, parseCacheTargets } from "../../base/cache-places.ts";
import type { OnBuildEvent } from "../../base/build-events.ts";
import type { HostConfig, Ulimit } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { Platform } from "../../base/image-config.ts";
import type { Builder } from "../../build/builder.ts";
import type { BuildRequest } from "../../build/context.ts";
import { namedContext } from "../../build/named-contexts.ts";
import type { ContextSource } from "../../build/open-context.ts";
import type { BuildOutput } from "../../build/outputs.ts";
import { parsePlatform } from "../../base/platform.ts";
import type { RegistryAuth } from "../../ports/remote-registry.ts";
import type { BuildSessions } from "../build-sessions.ts";
import { type Call, type Route, streamJson } from "../call.ts";
import { ClassicWords } from "../encode/classic-build.ts";
import { requestBody } from "../request-body.ts";

export interface BuildRoutesDeps {
  builder: Pick<Builder, "build" | "check">;
  /** What is built for when the client doesn't say. */
  platform: Platform;
  sessions: Pick<BuildSessions, "get">;
}

/** POST /build, the classic builder's endpoint, and POST /gantry/build/check, which takes the same and only looks. */
export function buildRoutes(deps: BuildRoutesDeps): Route[] {
  return [
    { method: "POST", path: "/build", handler: (call) => build(deps, call) },
    {
      method: "POST",
      path: "/gantry/build/check",
      handler: async (call) =>
        call.send(200, await deps.builder.check(decode(call, deps), contextOf(call), call.signal)),
    },
  ];
}

async function build(deps: BuildRoutesDeps, call: Call): Promise<void> {
  const request = decode(call, deps);
  const listener = listenerOf(call);
  await streamJson(call, async (send) => {
    const held: object[] = [];
    const quiet = call.flag("q");
    const emit = listener(quiet ? (line: object): void => void held.push(line) : send);
    try {
      const id = await deps.builder.build(request, contextOf(call), emit, call.signal);
      if (quiet) send({ stream: `${id}\n` });
    } catch (error) {
      // What a quiet build had to say matters once it failed.
      for (const line of held) send(line);
      throw error;
    }
  });
}

/** The body, what `remote` names, or (Gantry's own) a folder that the client's session gives. */
function contextOf(call: Call): ContextSource {
  const key = call.query.get("contextkey");
  const remote = call.query.get("remote");
  if (remote && remote !== "client-session") return { remote };
  return key ? { key } : { tar: requestBody(call.request) };
}

/** How the client hears of a build: in the classic builder's words, or event by event (`progress=events`, Gantry's own). */
function listenerOf(call: Call): (send: (line: object) => void) => OnBuildEvent {
  const progress = call.query.get("progress") || "classic";
  if (progress === "events") {
    return (send) => (event) => {
      send({ build: event });
      if (event.kind === "summary") send({ aux: { ID: event.image } }); // where clients of the classic words look
    };
  }
  if (progress !== "classic") throw invalid(`unknown progress: ${progress}`, "progress is classic or events");
  return (send) => {
    const words = new ClassicWords(send, { removes: call.flag("rm", true) });
    return (event) => words.hear(event);
  };
}

const invalid = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_QUERY", message, hint === undefined ? {} : { hint });

function decode(call: Call, { platform, sessions }: BuildRoutesDeps): BuildRequest {
  const { query } = call;
  const text = (name: string): string | undefined => query.get(name) || undefined;
  if (text("version") === "2") {
    throw new GantryError("notImplemented", "BUILDKIT_ONLY", "BuildKit is not supported by this engine", {
      hint: "set DOCKER_BUILDKIT=0: the classic builder understands modern Dockerfiles here",
    });
  }
  if (call.flag("squash")) throw invalid("--squash is not supported by this builder");
  const session = text("buildsession");
  const target = text("target");
  const wanted = text("platform");
  if (wanted?.includes(",")) {
    throw invalid(
      `multiple platforms are not supported by one build: ${wanted}`,
      "build for one after the other, each under a name of its own",
    );
  }
  return {
    dockerfile: dockerfilePath(text("dockerfile") ?? "Dockerfile"),
    tags: query.getAll("t").filter((tag) => tag !== ""),
    noCache: call.flag("nocache"),
    pull: call.flag("pull"),
    noCacheFilter: query.getAll("nocachefilter").flatMap((text) => text.split(",")),
    annotations: parseAnnotations(textList(call, "annotations")),
    attest: parseAttestWishes(textList(call, "attest")),
    cacheFrom: parseCacheSources(textList(call, "cachefrom")),
    cacheTo: parseCacheTargets(textList(call, "cacheto")),
    explain: call.flag("why"),
    shellOnFail: call.flag("shellonfail"),
    buildArgs: jsonMap(call, "buildargs", true),
    labels: jsonMap(call, "labels", false),
    ...(target === undefined ? {} : { target }),
    ...(wanted === undefined ? {} : { platform: parsePlatform(wanted, platform) }),
    hostConfig: hostConfig(call),
    auth: registryConfig(call),
    outputs: outputs(call),
    contexts: Object.fromEntries(
      Object.entries(jsonMap(call, "contexts", false)).map(([name, text]) => [name, namedContext(text)]),
    ),
    ...(session === undefined ? {} : { session: sessions.get(session) }),
  };
}

/** Docker's shape. Where local, tar, oci and docker go is the client's affair, whose session asks for them by position. */
function outputs(call: Call): BuildOutput[] {
  const parsed = json(call, "outputs") ?? [];
  if (!Array.isArray(parsed)) throw invalid("error reading outputs: an array is expected");
  return parsed.map((one: unknown): BuildOutput => {
    const type = typeof one === "object" && one !== null && "Type" in one ? one.Type : undefined;
    if (type === "image") return { kind: "image" };
    if (type === "local" || type === "tar") return { kind: "files" };
    if (type === "oci" || type === "docker") return { kind: "archive" };
    throw invalid(`unknown output type ${JSON.stringify(type)}`, "types are image, local, tar, oci and docker");
  });
}

/** Inside the context, whatever it says. */
function dockerfilePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) throw invalid(`forbidden path outside the build context: ${path} ()`);
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/") || "Dockerfile";
}

function hostConfig(call: Call): HostConfig {
  const config: HostConfig = {};
  const numbers = {
    Memory: "memory",
    MemorySwap: "memswap",
    CpuShares: "cpushares",
    CpuPeriod: "cpuperiod",
    CpuQuota: "cpuquota",
    ShmSize: "shmsize",
  } as const;
  for (const [field, name] of Object.entries(numbers) as [keyof typeof numbers, string][]) {
    const value = call.int(name);
    if (value !== undefined && value !== 0) config[field] = value;
  }
  const texts = {
    CpusetCpus: "cpusetcpus",
    CpusetMems: "cpusetmems",
    CgroupParent: "cgroupparent",
    NetworkMode: "networkmode",
  } as const;
  for (const [field, name] of Object.entries(texts) as [keyof typeof texts, string][]) {
    const value = call.query.get(name);
    if (value) config[field] = value;
  }
  const hosts = call.query
    .getAll("extrahosts")
    .flatMap((entry) => entry.split(","))
    .filter((entry) => entry !== "");
  if (hosts.length > 0) config.ExtraHosts = hosts;
  const ulimits = json(call, "ulimits");
  if (ulimits !== undefined) {
    if (!Array.isArray(ulimits) || !ulimits.every(isUlimit))
      throw invalid("error reading ulimit settings: an array of limits is expected");
    config.Ulimits = ulimits;
  }
  return config;
}

const isUlimit = (value: unknown): value is Ulimit =>
  typeof value === "object" &&
  value !== null &&
  "Name" in value &&
  typeof value.Name === "string" &&
  "Soft" in value &&
  typeof value.Soft === "number" &&
  "Hard" in value &&
  typeof value.Hard === "number";

function json(call: Call, name: string): unknown {
  const text = call.query.get(name);
  if (!text) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed === null ? undefined : parsed;
  } catch (cause) {
    throw new GantryError("invalid", "BAD_QUERY", `error reading ${name}: not JSON`, { cause });
  }
}

/** A JSON object of texts; null values only where they mean "take it from nowhere". */
function jsonMap(call: Call, name: string, nullable: true): Record<string, string | null>;
function jsonMap(call: Call, name: string, nullable: false): Record<string, string>;
function jsonMap(call: Call, name: string, nullable: boolean): Record<string, string | null> {
  const parsed = json(call, name) ?? {};
  const fits = (value: unknown): boolean => typeof value === "string" || (nullable && value === null);
  if (typeof parsed !== "object" || Array.isArray(parsed) || !Object.values(parsed).every(fits)) {
    throw invalid(`error reading ${name}: an object of strings is expected`);
  }
  return parsed as Record<string, string | null>;
}

/** A JSON list of texts. */
function textList(call: Call, name: string): string[] {
  const parsed = json(call, name) ?? [];
  if (!Array.isArray(parsed) || !parsed.every((one) => typeof one === "string")) {
    throw invalid(`error reading ${name}: a list of strings is expected`);
  }
  return parsed;
}

/** X-Registry-Config: base64 JSON, credentials by registry. */
function registryConfig(call: Call): Record<string, RegistryAuth> {
  const header = call.request.headers["x-registry-config"];
  if (typeof header !== "string" || header === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch {
    return {}; // as Docker: a build without secrets goes on
  }
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, RegistryAuth>)
    : {};
}
