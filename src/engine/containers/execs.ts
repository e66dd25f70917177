import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import { ownerOutside, rootOf } from "../../base/id-map.ts";
import type { ExecSession } from "../../ports/monitor.ts";
import type { OciProcess } from "../../ports/oci-spec.ts";
import { type ClientStream, parseDetachKeys, pump } from "./attach.ts";
import type { ContainerDeps } from "./deps.ts";
import { type ContainerRecord, isUp } from "./record.ts";
import { explainRefusal, refuseHopeless } from "./refusal.ts";
import type { ContainerEntry } from "./registry.ts";
import { planExec } from "./spec/exec.ts";
import type { ExecFacts } from "./spec/explain-exec.ts";
import { refuseProcFd } from "./spec/guards.ts";
import { resolveUser } from "./spec/user.ts";

export interface ExecConfig {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Tty?: boolean;
  Env?: string[];
  Cmd?: string[];
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
  ConsoleSize?: [number, number] | null;
}

export interface ExecRecord {
  id: string;
  containerId: string;
  config: ExecConfig;
  running: boolean;
  exitCode: number | null;
  pid: number;
  started: boolean;
}

/** `begun`: there from the start of the process on, before it is known to be up. */
type Held = ExecRecord & { session?: ExecSession; begun?: Promise<ExecSession> };

/** Execs that ended, or were never started, are kept for inspect, this many. */
const KEPT = 1000;
const ETC_LIMIT = 4 * 1024 * 1024;

/** Processes run in running containers. Known to this daemon only, as in Docker. */
export class Execs {
  private readonly deps: ContainerDeps;
  private readonly execs = new Map<string, Held>();

  constructor(deps: ContainerDeps) {
    this.deps = deps;
  }

  create(entry: ContainerEntry, config: ExecConfig): ExecRecord {
    if (!config.Cmd || config.Cmd.length === 0) {
      throw new GantryError("invalid", "NO_EXEC_COMMAND", "No exec command specified");
    }
    this.requireExecutable(entry);
    parseDetachKeys(config.DetachKeys, "escape");
    const record = {
      id: this.deps.ids.id(),
      containerId: entry.id,
      config,
      running: false,
      exitCode: null,
      pid: 0,
      started: false,
    };
    this.execs.set(record.id, record);
    entry.execIds.add(record.id);
    this.forgetOldest();
    this.deps.publish(entry, `exec_create: ${words(config)}`, { execID: record.id });
    return record;
  }

  find(id: string): ExecRecord {
    const exact = this.execs.get(id);
    if (exact) return exact;
    const matches = [...this.execs.keys()].filter((key) => key.startsWith(id) && id !== "");
    const record = matches.length === 1 ? this.execs.get(matches[0] as string) : undefined;
    if (!record) throw new GantryError("notFound", "NO_SUCH_EXEC", `No such exec instance: ${id}`);
    return record;
  }

  /** Pid included: the runtime reports it a moment after the start. */
  inspect(id: string): ExecRecord {
    const record = this.find(id) as Held;
    return { ...record, pid: record.session?.pid ?? record.pid };
  }

  /** Throws before anything is sent: conflict if it ran already or the container is not up. */
  checkStart(id: string): ExecRecord {
    const record = this.find(id);
    if (record.started) {
      throw new GantryError("conflict", "EXEC_RUNNING", `Error: Exec command ${record.id} is already running`);
    }
    this.requireExecutable(this.deps.registry.find(record.containerId));
    return record;
  }

  /** Runs it with `client` (undefined: detached). Resolves when the process has ended, or at once if detached. */
  async start(id: string, client: ClientStream | undefined): Promise<void> {
    const record = this.checkStart(id) as Held;
    const entry = this.deps.registry.find(record.containerId);
    record.started = true;
    record.running = true;
    let session: ExecSession;
    try {
      const process = this.process(entry, record.config);
      refuseHopeless(this.deps.rootfs, this.facts(entry, process), () => this.deps.host.runsForeignFormats(), "exec");
      const map = entry.record.attachment?.userns?.map;
      record.begun = this.deps.monitor.exec({
        containerId: entry.id,
        execId: record.id,
        folder: this.deps.files.execFolder(entry.id, record.id),
        runtime: entry.record.hostConfig.Runtime ?? "",
        process,
        ...(map && { streamOwner: ownerOutside(map, process.user) ?? rootOf(map) }),
        tty: record.config.Tty ?? false,
        stdin: client !== undefined && (record.config.AttachStdin ?? false),
      });
      session = await record.begun;
    } catch (cause) {
      const error = this.explained(entry, record, cause);
      this.failed(entry, record, error, client);
      if (!client) throw error;
      return;
    }
    record.session = session;
    this.deps.publish(entry, `exec_start: ${words(record.config)}`, { execID: record.id });
    const pumped = client
      ? pump(session.output, withoutEnd(client), {
          stdin: record.config.AttachStdin ?? false,
          stdout: record.config.AttachStdout ?? false,
          stderr: record.config.AttachStderr ?? false,
          tty: record.config.Tty ?? false,
          detachKeys: record.config.DetachKeys,
          onDetach: () => this.deps.publish(entry, "exec_detach", { execID: record.id }),
        })
      : undefined;
    if (!client) session.output.onOutput(() => {});
    const ended = this.settle(entry, record, session, client);
    if (client) {
      // Clients ask for the exit code the moment the stream ends: it has to be there first.
      await Promise.race([ended, pumped?.then(() => ended)]);
      client.end();
    } else await session.started();
  }

  /** SIGKILL to the process. */
  kill(id: string): void {
    const record = this.find(id) as Held;
    record.session?.kill();
  }

  /** A process that is being started has no terminal yet: waits for it. */
  async resize(id: string, size: { height: number; width: number }): Promise<void> {
    const record = this.find(id) as Held;
    await record.begun?.catch(() => {}); // whoever starts it is told
    if (!record.running) throw new GantryError("conflict", "EXEC_NOT_RUNNING", `Exec ${record.id} is not running`);
    this.deps.monitor.resizeExec(this.deps.files.execFolder(record.containerId, record.id), size);
  }

  /** The container has ended: what was not begun will never be. Clients still ask for the others' exit codes. */
  forget(entry: ContainerEntry): void {
    for (const id of entry.execIds) if (!this.execs.get(id)?.started) this.execs.delete(id);
    entry.execIds.clear();
  }

  private async settle(
    entry: ContainerEntry,
    record: Held,
    session: ExecSession,
    client: ClientStream | undefined,
  ): Promise<void> {
    try {
      record.exitCode = await session.exit;
      record.pid = session.pid;
    } catch (error) {
      this.failed(entry, record, this.explained(entry, record, error), client);
      return;
    }
    record.running = false;
    record.session = undefined;
    entry.execIds.delete(record.id);
    this.deps.files.removeExecFolder(entry.id, record.id);
    this.deps.publish(entry, "exec_die", { execID: record.id, exitCode: String(record.exitCode) });
  }

  private failed(entry: ContainerEntry, record: ExecRecord, error: unknown, client: ClientStream | undefined): void {
    const code = error instanceof GantryError ? error.details?.["exitCode"] : undefined;
    record.running = false;
    entry.execIds.delete(record.id);
    record.exitCode = typeof code === "number" ? code : 126;
    this.deps.files.removeExecFolder(entry.id, record.id);
    client?.write("stdout", Buffer.from(`${messageOf(error)}\r\n`));
    client?.end();
  }

  /** With the reason that the container's files show. */
  private explained(entry: ContainerEntry, record: ExecRecord, error: unknown): unknown {
    if (!isGantryError(error) || error.details?.["head"] === undefined) return error;
    try {
      return explainRefusal(error, this.deps.rootfs, this.facts(entry, this.process(entry, record.config)));
    } catch {
      return error; // the container has ended meanwhile
    }
  }

  private facts({ record }: ContainerEntry, { args, env, cwd }: OciProcess): ExecFacts {
    const root = rootOfProcess(record);
    return { root, args, env, cwd, architecture: this.deps.host.facts().architecture };
  }

  private process(entry: ContainerEntry, config: ExecConfig): OciProcess {
    const { record } = entry;
    const root = rootOfProcess(record);
    const read = (file: string): string => this.deps.rootfs.readFile(root, file, ETC_LIMIT)?.toString("utf8") ?? "";
    const user = resolveUser(
      config.User || record.config.User,
      read("/etc/passwd"),
      read("/etc/group"),
      record.hostConfig.GroupAdd ?? [],
    );
    // The container may have changed what its own working folder is by now.
    const cwd = config.WorkingDir || record.config.WorkingDir;
    if (cwd) {
      refuseProcFd(cwd);
      refuseProcFd(this.deps.rootfs.resolve(root, cwd));
    }
    const remapped = record.attachment?.userns !== undefined;
    return planExec(record.config, record.hostConfig, config, user, this.deps.host.facts(), remapped);
  }

  private requireExecutable(entry: ContainerEntry): void {
    const { status } = entry.record.state;
    if (status === "paused") {
      throw new GantryError(
        "conflict",
        "PAUSED",
        `container ${entry.record.name} is paused, unpause the container before exec`,
      );
    }
    if (!isUp(entry.record)) {
      throw new GantryError("conflict", "NOT_RUNNING", `container ${entry.id} is not running`, {
        hint: `start it first: gantry start ${entry.record.name}`,
      });
    }
  }

  private forgetOldest(): void {
    if (this.execs.size <= KEPT) return;
    for (const [id, record] of this.execs) {
      if (this.execs.size <= KEPT) return;
      if (record.running) continue;
      this.execs.delete(id);
      this.deps.registry.tryFind(record.containerId)?.execIds.delete(id);
    }
  }
}

/** As its first process sees it, mounts included. */
const rootOfProcess = ({ state }: ContainerRecord): string => `/proc/${state.process?.pid ?? 0}/root`;

/** The command as Docker's events have it, with a space after the program even where nothing follows. */
const words = ({ Cmd: [program = "", ...args] = [] }: ExecConfig): string => `${program} ${args.join(" ")}`;

/** The pump must not end the client's stream before the exit code is known. */
const withoutEnd = (client: ClientStream): ClientStream => ({
  write: (stream, chunk) => client.write(stream, chunk),
  onDrain: (listener) => client.onDrain(listener),
  onInput: (listener) => client.onInput(listener),
  onInputEnd: (listener) => client.onInputEnd(listener),
  onClose: (listener) => client.onClose(listener),
  end: () => {},
});
