import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { AttachStream, ExecSession, ExecSpec, Monitor, MonitorSpec, ProcessHandle } from "../../ports/monitor.ts";
import { criuReason } from "../oci/checkpoints.ts";
import { type CliRuntime, commandOfBundle } from "../oci/runtime.ts";
import { translateRuntimeError } from "../oci/translate.ts";
import { killIfThere, processesWith, processStartTime } from "../process/handle.ts";
import { spawnLean } from "../process/run.ts";
import { ConmonAttachStream } from "./attach-stream.ts";
import { execDirectly } from "./exec-direct.ts";
import { execWithTerminal } from "./exec-terminal.ts";
import { keepNullDevice } from "./null-device.ts";
import { readJsonLine, writeControl } from "./pipes.ts";

export interface ConmonDeps {
  /** Path of the binary. */
  conmon: string;
  /** Where conmon records exit codes, a file a container. */
  exitDir: string;
  /** Below it every runtime keeps its state; no other program is told of it. */
  runtimeRoot: string;
  runtime: (name: string) => CliRuntime;
}

const ID = /^[0-9a-f]{64}$/;
/** A killed process is gone after some milliseconds; a runtime may still start one meanwhile. */
const SWEEP_ATTEMPTS = 100;
const SWEEP_PAUSE = 10;

/** conmon 2.x. Its log is in Kubernetes' format: it keeps every byte, with the stream and the time. */
export class ConmonMonitor implements Monitor {
  private readonly deps: ConmonDeps;

  constructor(deps: ConmonDeps) {
    this.deps = deps;
    fs.mkdirSync(deps.exitDir, { recursive: true, mode: 0o700 });
    keepNullDevice(); // the engine before may have been killed at the wrong moment
  }

  async create(spec: MonitorSpec): Promise<{ container: ProcessHandle; monitor: ProcessHandle }> {
    const runtime = this.deps.runtime(spec.runtime);
    const pidFile = path.join(spec.bundle, "pid");
    const monitorPidFile = path.join(spec.bundle, "monitor.pid");
    for (const stale of ["attach", "ctl", "winsz"]) fs.rmSync(path.join(spec.bundle, stale), { force: true });
    this.forgetExit(spec.id);
    const argv = [
      ...["--api-version", "1", "-c", spec.id, "-u", spec.id, "-n", spec.id, "-b", spec.bundle],
      ...["-r", runtime.program(), ...runtime.globalArgs().flatMap((arg) => ["--runtime-arg", arg])],
      ...["-p", pidFile, "-P", monitorPidFile, "-l", spec.logPath ? `k8s-file:${spec.logPath}` : "none"],
      ...["--exit-dir", this.deps.exitDir, "--full-attach", "--no-sync-log", "--log-level", "error"],
    ];
    if (spec.tty) argv.push("-t");
    if (spec.stdin) argv.push("-i");
    // A client that leaves a terminal leaves the shell in it running.
    if (spec.stdin && (spec.tty || !spec.stdinOnce)) argv.push("--leave-stdin-open");
    if (spec.restore) argv.push("--restore", spec.restore);
    const child = runtime.wrap(() =>
      spawnLean(this.deps.conmon, argv, {
        env: { PATH: process.env["PATH"], _OCI_SYNCPIPE: "3" },
        outputs: [2, 3],
      }),
    );
    const [complaints, sync] = child.outputs as [Readable, Readable];
    let complaint = "";
    complaints.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("utf8")).slice(-4096);
    });
    complaints.on("error", () => {}); // what conmon says on the other pipe counts
    const line = await readJsonLine(sync);
    sync.destroy();
    complaints.destroy();
    // It has forked: the monitor is the other one.
    await child.exit();
    keepNullDevice();
    const pid = line?.["data"];
    if (typeof pid !== "number" || pid <= 0) {
      await runtime.remove(spec.id);
      this.forgetExit(spec.id);
      if (spec.restore) throw restoreError(spec.bundle, String(line?.["message"] ?? complaint));
      throw translateRuntimeError("create", String(line?.["message"] ?? complaint), commandOfBundle(spec.bundle));
    }
    if (spec.streamOwner) givePipes(pid, spec.streamOwner);
    const monitorPid = Number(fs.readFileSync(monitorPidFile, "utf8"));
    return { container: handleOf(pid), monitor: handleOf(monitorPid) };
  }

  async attach(bundle: string): Promise<AttachStream> {
    return new ConmonAttachStream(bundle);
  }

  resize(bundle: string, size: { height: number; width: number }): void {
    writeControl(bundle, `1 ${size.height} ${size.width}\n`);
  }

  reopenLog(bundle: string): void {
    writeControl(bundle, "2 0 0\n");
  }

  exec(spec: ExecSpec): Promise<ExecSession> {
    const runtime = this.deps.runtime(spec.runtime);
    return spec.tty ? execWithTerminal(this.deps.conmon, runtime, spec) : execDirectly(runtime, spec);
  }

  resizeExec(folder: string, size: { height: number; width: number }): void {
    this.resize(folder, size);
  }

  exitCode(id: string): { code: number; at: number } | undefined {
    const file = path.join(this.deps.exitDir, id);
    try {
      const text = fs.readFileSync(file, "utf8").trim();
      return text === "" ? undefined : { code: Number(text), at: fs.statSync(file).mtimeMs };
    } catch {
      return undefined;
    }
  }

  forgetExit(id: string): void {
    fs.rmSync(path.join(this.deps.exitDir, id), { force: true });
  }

  watchExits(listener: (id: string) => void): () => void {
    const watcher = fs.watch(this.deps.exitDir, (_event, name) => {
      if (name && ID.test(name)) listener(name);
    });
    return () => watcher.close();
  }

  alive(handle: ProcessHandle): boolean {
    return processStartTime(handle.pid) === handle.startTime;
  }

  abandon(handle: ProcessHandle): void {
    if (this.alive(handle)) killIfThere(handle.pid);
  }

  async sweep(running: ReadonlySet<string>): Promise<void> {
    const mark = `--root=${this.deps.runtimeRoot}/`;
    for (let attempt = 0; attempt < SWEEP_ATTEMPTS; attempt++) {
      const strays = processesWith(mark).filter(({ argv }) => {
        const id = argv.find((word) => ID.test(word));
        return id !== undefined && !running.has(id);
      });
      if (strays.length === 0) break;
      for (const { pid } of strays) killIfThere(pid);
      await new Promise((resolve) => setTimeout(resolve, SWEEP_PAUSE));
    }
    for (const id of fs.readdirSync(this.deps.exitDir)) if (ID.test(id) && !running.has(id)) this.forgetExit(id);
  }
}

/** A runtime inside the user namespace can't: to it they belong to nobody. */
function givePipes(pid: number, { uid, gid }: Owner): void {
  for (const fd of [0, 1, 2]) {
    const file = `/proc/${pid}/fd/${fd}`;
    try {
      if (fs.statSync(file).isFIFO()) fs.chownSync(file, uid, gid);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error; // it has ended
    }
  }
}

/** A container that ended at once has no start time any more: -1 is never alive, and its exit code is on record. */
const handleOf = (pid: number): ProcessHandle => ({ pid, startTime: processStartTime(pid) ?? -1 });

/** CRIU's reason is in the log beside the bundle; the runtime only says that there was one. */
function restoreError(bundle: string, words: string): GantryError {
  const reason = criuReason(path.join(bundle, "restore.log")) ?? words;
  return new GantryError("invalid", "RESTORE_FAILED", `cannot restore the checkpoint: ${reason}`);
}
