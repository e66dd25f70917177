import type { Call } from "../call.ts";

type Body = Record<string, unknown>;

/** Answers, or rows of answers, whose shape depends on the version of the API. */
export type Answer = "build-cache" | "container" | "container-row" | "disk-usage" | "image" | "image-row" | "info";

interface Change {
  answer: Answer;
  /** Concerns clients of versions before 1.`before`. */
  before: number;
  /** From the shape of version 1.`before` to the one it replaced. */
  undo: (body: Body) => Body;
}

const NEVER = "0001-01-01T00:00:00Z";

/** What every image's Config carried, where it said nothing. */
const IMAGE_CONFIG = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** What the API's version history took away or changed, newest first. Fields that were only added hurt no old client. */
const CHANGES: Change[] = [
  {
    answer: "image",
    before: 50,
    undo: (image) => ({ ...image, Config: { ...IMAGE_CONFIG, ...object(image["Config"]) } }),
  },
  { answer: "info", before: 50, undo: (info) => ({ ...info, BridgeNfIptables: false, BridgeNfIp6tables: false }) },
  {
    answer: "info",
    before: 49,
    undo: (info) => ({
      ...info,
      FirewallBackend: undefined,
      ContainerdCommit: expected(info["ContainerdCommit"]),
      RuncCommit: expected(info["RuncCommit"]),
      InitCommit: expected(info["InitCommit"]),
    }),
  },
  {
    answer: "info",
    before: 47,
    undo: (info) => ({
      ...info,
      RegistryConfig: {
        ...object(info["RegistryConfig"]),
        AllowNondistributableArtifactsCIDRs: null,
        AllowNondistributableArtifactsHostnames: null,
      },
    }),
  },
  {
    answer: "container-row",
    before: 46,
    undo: (row) => ({ ...row, HostConfig: { ...object(row["HostConfig"]), Annotations: undefined } }),
  },
  { answer: "image", before: 45, undo: (image) => ({ ...image, Container: "", ContainerConfig: IMAGE_CONFIG }) },
  { answer: "container", before: 45, undo: withShortIdAsAlias },
  { answer: "image", before: 44, undo: (image) => ({ Created: NEVER, ...image, VirtualSize: image["Size"] }) },
  { answer: "image-row", before: 44, undo: (row) => ({ ...row, VirtualSize: row["Size"] }) },
  {
    answer: "image-row",
    before: 43,
    undo: (row) => {
      if (list(row["RepoTags"]).length > 0) return row;
      const digests = list(row["RepoDigests"]);
      return { ...row, RepoTags: ["<none>:<none>"], RepoDigests: digests.length > 0 ? digests : ["<none>@<none>"] };
    },
  },
  {
    answer: "build-cache",
    before: 42,
    undo: (row) => ({ ...row, Parents: undefined, Parent: list(row["Parents"])[0] ?? "" }),
  },
  {
    answer: "disk-usage",
    before: 42,
    undo: (usage) => {
      const sizes = list(usage["BuildCache"]).map((row) => Number(object(row)["Size"]));
      return { ...usage, BuilderSize: sizes.reduce((sum, size) => sum + size, 0) };
    },
  },
  {
    answer: "info",
    before: 25,
    undo: (info) => ({
      ...info,
      ExecutionDriver: "<not supported>",
      // "name=seccomp,profile=builtin" → "seccomp"
      SecurityOptions: list(info["SecurityOptions"]).map((option) => /name=([^,]*)/.exec(String(option))?.[1]),
    }),
  },
];

/** Compose 1 asks for the newest version that an engine has, but knows none after 1.41: it fails without their fields. */
const COMPOSE_1 = { agent: /^docker-compose\/1\./, knows: 41 };

function expects(call: Call, minor: number): boolean {
  if (minor > COMPOSE_1.knows && COMPOSE_1.agent.test(call.request.headers["user-agent"] ?? "")) return false;
  return call.atLeast(minor);
}

/** `body`, in the newest version's shape, as the client's version has it. */
export function shaped<T extends object>(call: Call, answer: Answer, body: T): T {
  let result = body as Body;
  for (const change of CHANGES) {
    if (change.answer === answer && !expects(call, change.before)) result = change.undo(result);
  }
  return result as T;
}

const object = (value: unknown): Body => (typeof value === "object" && value !== null ? (value as Body) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const expected = (commit: unknown): Body => ({ ...object(commit), Expected: object(commit)["ID"] });

/** On networks of one's own `Aliases` held the short id and the hostname too, before there was `DNSNames`. */
function withShortIdAsAlias(container: Body): Body {
  const settings = object(container["NetworkSettings"]);
  if (object(container["State"])["Status"] === "created") return container;
  const own = [String(container["Id"]).slice(0, 12), object(container["Config"])["Hostname"]];
  const networks = Object.entries(object(settings["Networks"])).map(([name, endpoint]) => {
    if (["bridge", "host", "none"].includes(name)) return [name, endpoint];
    const aliases = new Set([...list(object(endpoint)["Aliases"]), ...own]);
    aliases.delete("");
    return [name, { ...object(endpoint), Aliases: [...aliases] }];
  });
  return { ...container, NetworkSettings: { ...settings, Networks: Object.fromEntries(networks) } };
}
