import { writeFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { humanSize, parseBytes } from "../../base/units.ts";
import { parseReference } from "../../base/reference.ts";
import type { SentFolder } from "../../client/build-session.ts";
import type { BuildOptions } from "../../client/images.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import { type BuildContext, folderContext, namedFolder, stdinContext } from "../../local/context.ts";
import { type AgentSource, parseAgent } from "../build-session/agents.ts";
import { cacheFlags, CacheFolders } from "../build-session/cache.ts";
import { type OutputWish, parseOutput, writeOutput } from "../build-session/outputs.ts";
import { push, writeMetadata } from "../build-session/finish.ts";
import { parseSecret, type SecretSource } from "../build-session/secrets.ts";
import { offer } from "../build-session/session.ts";
import { checkBuild, type CheckFormat, checkFormat } from "./build-check.ts";
import { command, type Context, exactly } from "../command.ts";
import { allCredentials } from "../credentials.ts";
import { proxyVariables } from "../config/file.ts";
import { describe } from "../errors.ts";
import { Exit } from "../exit.ts";
import { commaList, flag, FlagError, flagOn, integer, list, text, textOr, type Values, value } from "../flags.ts";
import { BuildLines } from "../progress/build-lines.ts";
import { BuildSteps } from "../progress/build-steps.ts";
import { PlainLines, type Screen, showProgress } from "../progress/show.ts";
import { pairOf } from "../run-options/key-values.ts";
import { createFlags } from "../run-options/flags.ts";
import { lookOf } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";
import { readAllInput } from "../terminal/ask.ts";

const bytes = (usage: string, short?: string) =>
  value<number | undefined>("bytes", undefined, (text) => (text === "-1" ? -1 : parseBytes(text)), usage, short);

const tag = (text: string, before: string[]): string[] => {
  parseReference(text);
  return [...before, text];
};

type Progress = "auto" | "plain" | "json";

function progressOf(text: string): Progress {
  if (text === "auto" || text === "plain" || text === "json") return text;
  throw new Error("auto, plain or json is expected");
}

const SILENT: Output = { isTTY: false, write() {} };

const flags = {
  "add-host": createFlags["add-host"],
  "build-arg": list("Set build-time variables"),
  "build-context": list("Additional build contexts (e.g., name=path)"),
  ...cacheFlags,
  "cgroup-parent": text('Set the parent cgroup for the "RUN" instructions during build'),
  check: flag("Look for mistakes in the Dockerfile and don't build; ends with 1 if there are any"),
  compress: flag("Compress the build context using gzip"),
  "cpu-period": integer("Limit the CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": integer("Limit the CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-shares": integer("CPU shares (relative weight)", "c"),
  "cpuset-cpus": text("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": text("MEMs in which to allow execution (0-3, 0,1)"),
  "disable-content-trust": flagOn("Skip image verification"),
  file: text('Name of the Dockerfile (Default is "PATH/Dockerfile")', "f", { completes: "file" }),
  format: value("text|json", "text" as CheckFormat, checkFormat, "How --check tells what it found"),
  "force-rm": flag("Always remove intermediate containers"),
  iidfile: text("Write the image ID to the file", undefined, { completes: "file" }),
  isolation: text("Container isolation technology"),
  label: list("Set metadata for an image"),
  memory: bytes("Memory limit", "m"),
  "memory-swap": bytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
  load: flag("Keep the image (what a build does unless --output says otherwise)"),
  "metadata-file": text("Write what the build made to a file, as JSON", undefined, { completes: "file" }),
  network: textOr("default", "Set the networking mode for the RUN instructions during build"),
  "no-cache": flag("Do not use cache when building the image"),
  "no-cache-filter": commaList("Do not cache specified stages"),
  output: value(
    "type=TYPE[,dest=DEST]",
    [] as OutputWish[],
    (text, before) => [...before, parseOutput(text)],
    'What to make: "image", "local" (files), "tar", "oci" or "docker" (an archive); DEST alone is a folder, - stdout',
    "o",
  ),
  platform: text("Set platform if server is multi-platform capable"),
  progress: value(
    "string",
    "auto" as Progress,
    (text) => progressOf(text),
    'How to show the build: "auto", "plain" (all that is said, with times) or "json" (an event a line)',
  ),
  pull: flag("Always attempt to pull a newer version of the image"),
  push: flag("Push the image under its names once it is built"),
  quiet: flag("Suppress the build output and print image ID on success", "q"),
  rm: flagOn("Remove intermediate containers after a successful build"),
  secret: value(
    "secret",
    [] as SecretSource[],
    (text, before) => [...before, parseSecret(text)],
    'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
  ),
  "security-opt": commaList("Security options"),
  "shm-size": bytes('Size of "/dev/shm"'),
  ssh: value(
    "default|<id>[=<socket>|<key>[,<key>]]",
    [] as AgentSource[],
    (text, before) => [...before, parseAgent(text)],
    "SSH agent socket or keys to expose to the build",
  ),
  squash: flag("Squash newly built layers into a single new layer"),
  tag: value("list", [] as string[], tag, 'Name and optionally a tag in the "name:tag" format', "t"),
  target: text("Set the target build stage to build."),
  ulimit: createFlags.ulimit,
  why: flag("Say of each step that is not in the cache why it isn't"),
};

export default command({
  usage: "[OPTIONS] PATH | URL | -",
  examples: [
    "gantry build -t shop:1 .",
    "gantry build -f docker/Dockerfile --build-arg VERSION=2 --target test .",
    "gantry build --check .",
    "tar c . | gantry build -",
  ],
  args: exactly(1),
  completes: ["folder"],
  flags,
  async run(context, [path = ""], options) {
    const { images } = await context.engine();
    const remote = /^(https?|git):\/\//.test(path) || path.startsWith("git@");
    const prepared = remote ? undefined : await prepare(context, path, options.file);
    if (options.iidfile) rmSync(resolve(context.cwd, options.iidfile), { force: true });
    const heard: string[] = [];
    const quiet: Output = { isTTY: false, write: (data) => void heard.push(String(data)) };
    const bytesOnStdout = options.output.some(({ dest }) => dest === "-");
    const out = options.quiet ? quiet : bytesOnStdout ? context.err : context.out;
    const progress = options.why && options.progress === "auto" ? "plain" : options.progress;
    const query = buildQuery(context, (await context.target()).host, options, prepared?.dockerfile ?? options.file);
    if (remote) query.remote = path;
    if (options.check && prepared) return checkBuild(context, images, prepared, query, options.format);
    if (progress !== "auto" && !options.quiet) query.progress = "events";
    const told = progress === "json" ? SILENT : out;
    if (options.output.length > 0) query.outputs = options.output.map(({ type }) => ({ Type: type }));
    query.t = [...options.tag, ...options.output.flatMap(({ names }) => names)];
    const failures: unknown[] = [];
    const offers = {
      secrets: options.secret,
      agents: options.ssh,
      caches: new CacheFolders(context.cwd, options["cache-from"], options["cache-to"]),
      folders: new Map<string, () => SentFolder>(),
      outputs: options.output.map((wish) => (wish.type === "image" ? undefined : writer(wish, context.cwd, failures))),
    };
    query.contexts = namedContexts(context, options["build-context"], offers.folders);
    const folder = options.compress ? undefined : prepared?.folder;
    if (folder) offers.folders.set("", () => said(folder.list(), told));
    let id = "";
    const session = await offer(context, offers);
    if (session) query.buildsession = session.name;
    if (session && folder) query.contextkey = keyOf(folder.root);
    const body =
      prepared === undefined || query.contextkey !== undefined
        ? undefined
        : announced(packedTar(prepared, options.compress), told);
    try {
      const onImage = (image: string): void => void (id = image);
      const events = heeding(images.build(body, query, await allCredentials(context)), onImage);
      await showProgress(context, events, out, screenFor(context, out, progress), (aux) => {
        if (typeof aux["ID"] === "string") id = aux["ID"];
      });
    } catch (error) {
      // Quiet or not: what failed must be seen.
      context.err.write(heard.join(""));
      // The engine only knows that its client failed.
      if (failures.length > 0) throw failures[0];
      if (error instanceof Exit) throw error;
      throw new Exit(1, describe(error));
    } finally {
      session?.close();
    }
    const names = query.t;
    const pushes = options.push || options.output.some((wish) => wish.push);
    const pushed = pushes ? await push(context, names, out) : undefined;
    if (options["metadata-file"]) writeMetadata(context, options["metadata-file"], { id, names, pushed });
    if (options.quiet && !bytesOnStdout) {
      id ||= heard.at(-1)?.trim() ?? "";
      context.out.write(`${id}\n`);
    }
    if (options.iidfile) {
      if (id === "") throw new Exit(1, `Server did not provide an image ID. Cannot write ${options.iidfile}`);
      writeFileSync(resolve(context.cwd, options.iidfile), id);
    }
  },
});

/** Events go by; the one that names the image is taken note of. */
async function* heeding(
  lines: AsyncIterable<ProgressLine>,
  onImage: (id: string) => void,
): AsyncGenerator<ProgressLine> {
  for await (const line of lines) {
    if (line.build?.kind === "summary") onImage(line.build.image);
    yield line;
  }
}

const writer =
  (wish: OutputWish, cwd: string, failures: unknown[]) =>
  async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    try {
      await writeOutput(wish, cwd, bytes);
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };

/** Steps that are drawn over, where that can be; BUILDKIT_PROGRESS=plain has every word instead. */
function screenFor(context: Context, out: Output, progress: Progress): Screen {
  if (progress === "plain") return new BuildLines(out);
  if (progress === "json")
    return { show: ({ build }) => void (build && out.write(`${JSON.stringify(build)}\n`)), end() {} };
  const look = lookOf(out, context.env);
  return look.live && context.env["BUILDKIT_PROGRESS"] !== "plain" ? new BuildSteps(out, look) : new PlainLines(out);
}

function prepare(context: Context, path: string, file: string | undefined): Promise<BuildContext> {
  if (path !== "-") return folderContext(path, file, context.cwd, async () => Buffer.from(await readAllInput()));
  return stdinContext(process.stdin, file);
}

async function* packedTar({ tar }: BuildContext, compress: boolean): AsyncGenerator<Buffer> {
  if (!compress) {
    yield* tar;
    return;
  }
  const { createGzip } = await import("node:zlib");
  const { Readable } = await import("node:stream");
  yield* Readable.from(tar).pipe(createGzip()) as AsyncIterable<Buffer>;
}

/** The folder, with a word on how much of it is sent. */
const said = ({ entries, tar }: SentFolder, out: Output): SentFolder => ({
  entries,
  tar: (wanted) => announced(tar(wanted), out),
});

/** By what name the engine keeps a folder for the next build. */
const keyOf = (root: string): string => `${hostname()}:${process.getuid?.() ?? ""}:${root}`;

/** `name=path` is a folder, which the session gives; `name=docker-image://…` is for the engine. */
function namedContexts(
  { cwd }: Context,
  given: string[],
  folders: Map<string, () => SentFolder>,
): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [name, place] = pairOf(text);
      if (name === "" || place === "") throw new FlagError(`invalid context value: ${text}, expected key=value`);
      if (place.startsWith("docker-image://")) return [name, place];
      const scheme = /^[a-z-]+:\/\//.exec(place)?.[0];
      if (scheme)
        throw new FlagError(`--build-context ${name}: ${scheme} is not supported: a folder or docker-image://`);
      const { root, list } = namedFolder(place, cwd);
      folders.set(name, list);
      return [name, keyOf(root)];
    }),
  );
}

/** Says how much is sent; on a terminal while it is sent. */
async function* announced(tar: AsyncIterable<Buffer> | Iterable<Buffer>, out: Output): AsyncGenerator<Buffer> {
  const step = 512 * 1024;
  let sent = 0;
  let shown = 0;
  const say = (end: string): void =>
    out.write(`Sending build context to Gantry daemon ${humanSize(sent).padStart(8)}${end}`);
  for await (const chunk of tar) {
    sent += chunk.length;
    if (out.isTTY && sent - shown >= step) {
      shown = sent;
      say("\r");
    }
    yield chunk;
  }
  say("\r\r\n");
}

function buildQuery(
  context: Context,
  host: string,
  options: Values<typeof flags>,
  dockerfile: string | undefined,
): BuildOptions {
  const given = Object.fromEntries(
    options["build-arg"].map((given): [string, string | null] =>
      given.includes("=") ? pairOf(given) : [given, context.env[given] ?? null],
    ),
  );
  const epoch = context.env["SOURCE_DATE_EPOCH"];
  const args = {
    ...Object.fromEntries(proxyVariables(context.config(), host)),
    ...(epoch && { SOURCE_DATE_EPOCH: epoch }),
    ...given,
  };
  return {
    dockerfile,
    t: options.tag,
    ...(Object.keys(args).length > 0 && { buildargs: args }),
    ...(options.label.length > 0 && { labels: Object.fromEntries(options.label.map(pairOf)) }),
    ...(options["cache-from"].length > 0 && { cachefrom: options["cache-from"] }),
    ...(options["cache-to"].length > 0 && { cacheto: options["cache-to"] }),
    target: options.target,
    nocache: options["no-cache"],
    nocachefilter: options["no-cache-filter"],
    why: options.why,
    pull: options.pull,
    q: options.quiet,
    rm: options.rm,
    forcerm: options["force-rm"],
    networkmode: options.network,
    extrahosts: options["add-host"],
    platform: options.platform,
    memory: options.memory,
    memswap: options["memory-swap"],
    cpushares: options["cpu-shares"],
    cpuperiod: options["cpu-period"],
    cpuquota: options["cpu-quota"],
    cpusetcpus: options["cpuset-cpus"],
    cpusetmems: options["cpuset-mems"],
    cgroupparent: options["cgroup-parent"],
    shmsize: options["shm-size"],
    ...(options.ulimit.length > 0 && { ulimits: options.ulimit }),
    squash: options.squash,
    isolation: options.isolation,
    ...(options["security-opt"].length > 0 && { securityopt: options["security-opt"] }),
  };
}
