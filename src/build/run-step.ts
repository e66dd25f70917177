import { StringDecoder } from "node:string_decoder";
import { GantryError, isGantryError } from "../base/errors.ts";
import { Mutex } from "../base/mutex.ts";
import { Slots } from "../base/slots.ts";
import { RUNTIME_STUBS } from "../engine/containers/spec/stubs.ts";
import type { BuildHost, RunMount, RunStep } from "./host.ts";
import { hashOf } from "./cache.ts";
import { cleanPath, commandOf, inWorkingDir } from "./metadata.ts";
import { heredocOf, heredocText } from "./parse/heredoc.ts";
import type { Heredoc, MountFlag, Of } from "./parse/instruction.ts";
import { lend } from "./session-mounts.ts";
import { shortId } from "./stage-state.ts";
import type { StepInput } from "./step-record.ts";
import type { StageWork, StepChange, StepRoom } from "./context.ts";

/** In the container's own /dev, so that the image has no trace of it. */
const SCRIPTS = "/dev/pipes/scripts";
const SCRIPT_MODE = 0o755;
const CACHE_MODE = 0o755;

/** RUN. Lives as long as the builder: it keeps who holds which locked cache mount. */
export class RunStepper {
  private readonly host: BuildHost;
  private readonly locks = new Map<string, Mutex>();
  private readonly slots: Slots;

  constructor(host: BuildHost) {
    this.host = host;
    this.slots = new Slots(host.parallelRuns);
  }

  async plan(room: StepRoom, work: StageWork, instruction: Of<"run">): Promise<StepChange> {
    const { config } = work.state;
    const env = config.Env ?? [];
    const declared = work.args.declared(env);
    const { line, script } = command(instruction);
    const args = commandOf(line, config);
    const prefix = declared.length > 0 ? [`|${declared.length}`, ...declared] : [];
    const bound = await this.boundDigests(room, work, instruction.mounts);
    return {
      key: ["run", prefix, args, script?.content ?? "", instruction.mounts, instruction.network ?? "", bound],
      inputs: () => runInputs(instruction, { command: line.words.join(" "), declared, env, bound, script }),
      createdBy: [...prefix, ...args].join(" "),
      container: true,
      effect: (id, state) =>
        this.inTurn(room, instruction.mounts, () =>
          room.inWorkspace(id, state, async (root, workspaceId) => {
            const mounts = await this.mounts(room, work, instruction.mounts);
            const lent = await lend(room.context, work.state, instruction.mounts);
            mounts.push(...lent.mounts);
            if (script) mounts.push(await scriptMount(room, script));
            const cwd = cleanPath(config.WorkingDir ?? "/");
            const targets = mounts.map((mount) => mount.target);
            const stubs = this.host.files.missing(root, [...targets.flatMap(withParents), ...RUNTIME_STUBS]);
            this.host.files.makeFolder(root, cwd);
            try {
              await this.run(room, id, {
                root,
                workspaceId,
                args,
                env: [...env, ...declared, ...work.args.proxies(env), ...lent.env],
                cwd,
                user: config.User ?? "",
                network: instruction.network,
                mounts,
              });
            } finally {
              this.host.files.removeStubs(root, stubs);
            }
          }),
        ),
    };
  }

  private async run(
    room: StepRoom,
    id: string,
    step: {
      root: string;
      workspaceId: string;
      args: string[];
      env: string[];
      cwd: string;
      user: string;
      network: Of<"run">["network"];
      mounts: RunMount[];
    },
  ): Promise<void> {
    const { request, signal } = room.context;
    const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
    const show = (stream: "stdout" | "stderr", text: string): void => {
      if (text !== "") room.output(stream, text);
    };
    const code = await this.start({
      id,
      workspaceId: step.workspaceId,
      rootfs: step.root,
      args: step.args,
      env: step.env,
      cwd: step.cwd,
      user: step.user,
      hostname: shortId(id),
      hostConfig:
        step.network === undefined || step.network === "default"
          ? request.hostConfig
          : { ...request.hostConfig, NetworkMode: step.network },
      mounts: step.mounts,
      onOutput: (stream, chunk) => show(stream, decoders[stream].write(chunk)),
      signal,
    });
    for (const stream of ["stdout", "stderr"] as const) show(stream, decoders[stream].end());
    if (signal.aborted) throw new GantryError("canceled", "BUILD_CANCELED", "build cancelled");
    if (code !== 0) {
      throw new GantryError(
        "invalid",
        "RUN_FAILED",
        `The command '${step.args.join(" ")}' returned a non-zero code: ${code}`,
        { details: { exitCode: code } },
      );
    }
  }

  /** A command that can't be started has no exit code of its own: Docker's CLI ends with 1 then. */
  private async start(step: RunStep): Promise<number> {
    try {
      return await this.host.run(step);
    } catch (error) {
      if (!isGantryError(error) || error.details?.["exitCode"] === undefined) throw error;
      const { exitCode: _, ...details } = error.details;
      throw new GantryError(error.kind, error.code, error.message, {
        details,
        cause: error,
        ...(error.hint ? { hint: error.hint } : {}),
      });
    }
  }

  /** What bind mounts show counts for the cache. */
  private async boundDigests(room: StepRoom, work: StageWork, mounts: readonly MountFlag[]): Promise<string[]> {
    const digests: string[] = [];
    for (const mount of mounts.filter((one) => one.type === "bind")) {
      const tree = room.sourceTree(mount.from, work.index);
      if (tree.chainId) digests.push(await tree.chainId());
      else {
        const [found] = this.host.files.find(await tree.open(), mount.source ?? "/");
        if (found) digests.push(await this.host.files.digest(await tree.open(), found, { owners: true }));
      }
    }
    return digests;
  }

  private async mounts(room: StepRoom, work: StageWork, flags: readonly MountFlag[]): Promise<RunMount[]> {
    const mounts: RunMount[] = [];
    for (const flag of flags) {
      const target = targetOf(work, flag);
      switch (flag.type) {
        case "tmpfs":
          mounts.push({
            type: "tmpfs",
            target,
            readonly: false,
            ...(flag.size === undefined ? {} : { size: flag.size }),
          });
          break;
        case "cache": {
          const owner = { uid: flag.uid ?? 0, gid: flag.gid ?? 0 };
          const source = await this.host.files.cacheFolder(cacheName(flag), flag.mode ?? CACHE_MODE, owner);
          mounts.push({ type: "bind", source, target, readonly: flag.readonly });
          break;
        }
        case "bind": {
          if (!flag.readonly) throw unsupported("RUN --mount=type=bind,rw");
          const root = await room.sourceTree(flag.from, work.index).open();
          const source = this.host.files.realPath(root, flag.source ?? "/");
          mounts.push({ type: "bind", source, target, readonly: true });
          break;
        }
        case "secret":
        case "ssh":
          break;
      }
    }
    return mounts;
  }

  /** Runs when a place among all RUNs is free, and what it locks. */
  private inTurn<T>(room: StepRoom, mounts: readonly MountFlag[], work: () => Promise<T>): Promise<T> {
    return this.locked(mounts, () => this.slots.run(room.context.signal, work));
  }

  /** Runs while no other RUN has the same cache mounts that are locked or private. */
  private locked<T>(flags: readonly MountFlag[], work: () => Promise<T>): Promise<T> {
    const keys = flags
      .filter((flag) => flag.type === "cache" && flag.sharing && flag.sharing !== "shared")
      .map(cacheName);
    return [...new Set(keys)].toSorted().reduceRight<() => Promise<T>>((inner, key) => {
      const lock = this.locks.get(key) ?? new Mutex();
      this.locks.set(key, lock);
      return () => lock.run(inner);
    }, work)();
  }
}

/** What a RUN is made of, by the names that its Dockerfile has for it. */
function runInputs(
  { mounts, network }: Of<"run">,
  facts: { command: string; declared: string[]; env: readonly string[]; bound: string[]; script: Heredoc | undefined },
): StepInput[] {
  const named = (word: string, entries: readonly string[]): StepInput[] =>
    entries.map((entry) => {
      const at = entry.indexOf("=");
      return [`${word} ${entry.slice(0, at)}`, entry.slice(at + 1)];
    });
  return [
    ["command", facts.command],
    ...(facts.script ? [["script", facts.script.content] as const] : []),
    ...named("ARG", facts.declared),
    ...named("ENV", facts.env),
    ...mounts.map((mount): StepInput => [`mount ${mount.target ?? mount.id ?? ""}`, JSON.stringify(mount)]),
    ...facts.bound.map((digest, n): StepInput => [`files of bind mount ${n + 1}`, digest]),
    ...(network === undefined ? [] : [["network", network] as const]),
  ];
}

const cacheName = (flag: MountFlag): string => hashOf(["cache", flag.id ?? cleanPath(flag.target ?? "/")]);

const targetOf = (work: StageWork, flag: MountFlag): string => inWorkingDir(work.state.config, flag.target ?? "");

/** The path and the folders above it, children first. */
function withParents(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, i) => `/${parts.slice(0, parts.length - i).join("/")}`);
}

const unsupported = (what: string): GantryError =>
  new GantryError("notImplemented", "BUILDKIT_ONLY", `${what} is not supported by this builder`, {
    hint: "copy the file in by COPY, or pass the value by --build-arg",
  });

/** What the shell or the kernel gets to run, with here-documents worked in. */
function command(instruction: Of<"run">): { line: { shell: boolean; words: string[] }; script?: Heredoc } {
  const [first, ...others] = instruction.files;
  const text = instruction.words[0] ?? "";
  if (first === undefined || !instruction.shell) return { line: instruction };
  const alone = others.length === 0 && heredocOf(text) !== undefined;
  if (!alone) {
    const bodies = instruction.files.map((file) => `\n${file.content}${file.name}`);
    return { line: { shell: true, words: [text + bodies.join("")] } };
  }
  if (first.content.startsWith("#!")) {
    return { line: { shell: false, words: [`${SCRIPTS}/${first.name}`] }, script: first };
  }
  return { line: { shell: true, words: [heredocText(first)] } };
}

/** A here-document that begins with `#!` is run as a file. */
async function scriptMount(room: StepRoom, script: Heredoc): Promise<RunMount> {
  const folder = await room.scratch();
  // A folder of its own, since the scratch folder is closed to all but root.
  const source = room.host.files.makeFolder(folder, "/scripts");
  room.host.files.writeText(source, script.name, heredocText(script), SCRIPT_MODE);
  return { type: "bind", source, target: SCRIPTS, readonly: true };
}
