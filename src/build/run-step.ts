import { StringDecoder } from "node:string_decoder";
import { GantryError, isGantryError } from "../base/errors.ts";
import { Slots } from "../base/slots.ts";
import type { RunTerminal } from "../engine/containers/run-terminal.ts";
import { RUNTIME_STUBS } from "../engine/containers/spec/stubs.ts";
import type { BuildShells } from "./build-shells.ts";
import type { BuildHost, RunMount, RunStep } from "./host.ts";
import type { CacheMounts } from "./cache-mounts.ts";
import { cleanPath, commandOf, inWorkingDir, shellOf } from "./metadata.ts";
import { heredocOf, heredocText } from "./parse/heredoc.ts";
import type { Heredoc, MountFlag, Of } from "./parse/instruction.ts";
import { lend } from "./session-mounts.ts";
import type { StepInput } from "./step-record.ts";
import type { StageWork, StepChange, StepRoom } from "./context.ts";

/** In the container's own /dev, so that the image has no trace of it. */
const SCRIPTS = "/dev/pipes/scripts";
const SCRIPT_MODE = 0o755;
/** The same each time, for what a command writes it into. */
const HOSTNAME = "build";

/** RUN. Lives as long as the builder: all of them share the places among which they run. */
export class RunStepper {
  private readonly host: BuildHost;
  private readonly caches: CacheMounts;
  private readonly slots: Slots;
  private readonly shells: BuildShells;

  constructor(host: BuildHost, caches: CacheMounts, shells: BuildShells) {
    this.host = host;
    this.shells = shells;
    this.caches = caches;
    this.slots = new Slots(host.parallelRuns);
  }

  async plan(room: StepRoom, work: StageWork, instruction: Of<"run">): Promise<StepChange> {
    if (instruction.security === "insecure") refuseInsecure();
    const { config } = work.state;
    const env = config.Env ?? [];
    const declared = work.args.declared(env);
    const { line, script } = command(instruction);
    const args = commandOf(line, config);
    const prefix = declared.length > 0 ? [`|${declared.length}`, ...declared] : [];
    const bound = await this.boundDigests(room, instruction.mounts);
    return {
      key: ["run", prefix, args, script?.content ?? "", instruction.mounts, instruction.network ?? "", bound],
      inputs: () => runInputs(instruction, { command: line.words.join(" "), declared, env, bound, script }),
      createdBy: [...prefix, ...args].join(" "),
      container: true,
      effect: (id, state) =>
        this.inTurn(room, work, instruction.mounts, (cacheFolder) =>
          room.inWorkspace(id, state, async (root, workspaceId) => {
            const mounts = await this.mounts(room, work, instruction.mounts, cacheFolder);
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
                shell: shellOf(config),
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
      shell: string[];
    },
  ): Promise<void> {
    const { request, signal } = room.context;
    const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
    const show = (stream: "stdout" | "stderr", text: string): void => {
      if (text !== "") room.output(stream, text);
    };
    const run: RunStep = {
      id,
      workspaceId: step.workspaceId,
      rootfs: step.root,
      args: step.args,
      env: step.env,
      cwd: step.cwd,
      user: step.user,
      hostname: HOSTNAME,
      hostConfig:
        step.network === undefined || step.network === "default"
          ? request.hostConfig
          : { ...request.hostConfig, NetworkMode: step.network },
      mounts: step.mounts,
      onOutput: (stream, chunk) => show(stream, decoders[stream].write(chunk)),
      signal,
    };
    const code = await this.start(run);
    for (const stream of ["stdout", "stderr"] as const) show(stream, decoders[stream].end());
    if (signal.aborted) throw new GantryError("canceled", "BUILD_CANCELED", "build cancelled");
    if (code !== 0) {
      if (request.shellOnFail) await this.hold(room, run, code, step.shell);
      throw new GantryError(
        "invalid",
        "RUN_FAILED",
        `The command '${step.args.join(" ")}' returned a non-zero code: ${code}`,
        { details: { exitCode: code } },
      );
    }
  }

  /** Until the client has looked around in what the command left. */
  private async hold({ step, context, host }: StepRoom, run: RunStep, code: number, shell: string[]): Promise<void> {
    const token = host.ids.id();
    const enter = async (command: string | undefined, terminal: RunTerminal): Promise<void> => {
      const args = command === undefined ? shell.slice(0, 1) : [...shell, command];
      await host.run({ ...run, id: host.ids.id(), args, terminal });
    };
    await this.shells.hold(token, context.signal, enter, () =>
      context.emit({ kind: "shell", step: step.id, token, code }),
    );
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
  private async boundDigests(room: StepRoom, mounts: readonly MountFlag[]): Promise<string[]> {
    const digests: string[] = [];
    for (const mount of mounts.filter((one) => one.type === "bind")) {
      const tree = room.sourceTree(mount.from);
      if (tree.chainId) digests.push(await tree.chainId());
      else {
        const [found] = this.host.files.find(await tree.open(), mount.source ?? "/");
        if (found) digests.push(await this.host.files.digest(await tree.open(), found, { owners: true }));
      }
    }
    return digests;
  }

  private async mounts(
    room: StepRoom,
    work: StageWork,
    flags: readonly MountFlag[],
    cacheFolder: (flag: MountFlag) => string,
  ): Promise<RunMount[]> {
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
        case "cache":
          mounts.push({ type: "bind", source: cacheFolder(flag), target, readonly: flag.readonly });
          break;
        case "bind": {
          const root = await room.sourceTree(flag.from).open();
          const path = flag.source ?? "/";
          const source = flag.readonly ? this.host.files.realPath(root, path) : await copied(room, root, path);
          mounts.push({ type: "bind", source, target, readonly: flag.readonly });
          break;
        }
        case "secret":
        case "ssh":
          break;
      }
    }
    return mounts;
  }

  /** Runs when its cache mounts are free, and then a place among all RUNs. */
  private inTurn<T>(
    room: StepRoom,
    work: StageWork,
    mounts: readonly MountFlag[],
    run: (cacheFolder: (flag: MountFlag) => string) => Promise<T>,
  ): Promise<T> {
    return this.caches.use(room, work, mounts, (folderOf) => this.slots.run(room.context.signal, () => run(folderOf)));
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

const targetOf = (work: StageWork, flag: MountFlag): string => inWorkingDir(work.state.config, flag.target ?? "");

/** The path and the folders above it, children first. */
function withParents(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, i) => `/${parts.slice(0, parts.length - i).join("/")}`);
}

/** What a bind mount may write to: a copy of its source, which nobody sees later. */
async function copied(room: StepRoom, root: string, path: string): Promise<string> {
  const { files } = room.host;
  const [source] = files.find(root, path);
  if (source === undefined) throw new Error("what was found is missing");
  const targetRoot = await room.scratch();
  await files.copy({ root, source, targetRoot, target: "/copy/", signal: room.context.signal });
  return files.realPath(targetRoot, source.kind === "folder" ? "/copy" : `/copy/${source.path.split("/").at(-1)}`);
}

/** It would give the step all of the machine. */
const refuseInsecure = (): never => {
  throw new GantryError(
    "forbidden",
    "INSECURE_RUN",
    "granting entitlement security.insecure is not allowed by build daemon configuration",
    { hint: "take --security=insecure away, or do this in gantry run --privileged" },
  );
};

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
