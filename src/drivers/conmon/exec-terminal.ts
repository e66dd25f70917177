import fs from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import type { ExecSession, ExecSpec } from "../../ports/monitor.ts";
import type { OciProcess } from "../../ports/oci-spec.ts";
import { argsForExecTerminal } from "../oci/exec-state.ts";
import { type CliRuntime, readIfThere } from "../oci/runtime.ts";
import { translateRuntimeError } from "../oci/translate.ts";
import { killIfThere, processStartTime } from "../process/handle.ts";
import { spawn } from "../process/run.ts";
import { ConmonAttachStream } from "./attach-stream.ts";
import { readJsonLine } from "./pipes.ts";

/**
 * A process with a terminal: a conmon of its own holds the pseudo-terminal. It says when its attach socket is there
 * (fd 5), waits for our word (fd 4), and reports the pid and then the exit code (fd 3).
 */
export async function execWithTerminal(conmon: string, runtime: CliRuntime, spec: ExecSpec): Promise<ExecSession> {
  const file = path.join(spec.folder, "process.json");
  fs.writeFileSync(file, JSON.stringify(spec.process));
  // conmon keeps the runtime's complaint to itself when an exec fails: the runtime writes it to a file too.
  const log = path.join(spec.folder, "runtime.log");
  const stateArgs = await argsForExecTerminal(runtime, { ...spec, process: spec.process as OciProcess });
  const runtimeArgs = [...stateArgs, `--log=${log}`];
  const argv = [
    ...["--api-version", "1", "-c", spec.containerId, "-u", spec.execId, "-n", spec.execId, "-b", spec.folder],
    ...["-r", runtime.program(), ...runtimeArgs.flatMap((arg) => ["--runtime-arg", arg])],
    ...["-e", "--exec-attach", "--exec-process-spec", file, "-p", path.join(spec.folder, "pid"), "-l", "none"],
    ...["--full-attach", "--no-sync-log", "--log-level", "error", "-t"],
  ];
  if (spec.stdin) argv.push("-i");
  const child = runtime.wrap(() =>
    spawn(conmon, argv, {
      cwd: "/",
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], _OCI_SYNCPIPE: "3", _OCI_STARTPIPE: "4", _OCI_ATTACHPIPE: "5" },
    }),
  );
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  const [, , , sync, start, ready] = child.stdio as unknown as [null, null, null, Readable, Writable, Readable];
  // Three words: the pipe to conmon's parent (it forks once it has read one), then the attach socket, then go.
  start.write("\0");
  await Promise.race([readJsonLine(ready), failed]);
  const output = new ConmonAttachStream(spec.folder);
  start.end("\0");
  const created = await Promise.race([readJsonLine(sync), failed]);
  ready.destroy();
  const pid = created?.["data"];
  if (typeof pid !== "number" || pid <= 0) {
    output.destroy();
    sync.destroy();
    const args = (spec.process as { args?: string[] }).args ?? [];
    const words = readIfThere(log) || String(created?.["message"] ?? "conmon ended");
    throw translateRuntimeError("exec", words, args[0] ?? "");
  }
  const closed = new Promise<void>((resolve) => output.onClose(resolve));
  const exit = (async (): Promise<number> => {
    const line = await readJsonLine(sync);
    sync.destroy();
    await closed;
    const code = line?.["exit_code"] ?? line?.["data"];
    return typeof code === "number" && code >= 0 ? code : 137;
  })();
  const startTime = processStartTime(pid);
  const kill = (): void => {
    if (startTime !== undefined && processStartTime(pid) === startTime) killIfThere(pid);
  };
  return { pid, started: async () => {}, output, kill, exit };
}
