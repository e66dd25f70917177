import { type ChildProcess, spawn } from "node:child_process";

/**
 * In a session of its own, so that ctrl-c is not for it. A line on stdin: all was taken down, nothing to do. The end of
 * stdin without one: who started it is gone. A process id may be another's by then, hence the look at its command line.
 */
const SCRIPT = `
gantry=$1 host=$2 pid=$3 folder=$4
read -r _ && exit
ids=$("$gantry" -H "$host" ps -aq) && [ -n "$ids" ] && "$gantry" -H "$host" rm -f -v $ids
engine() { grep -qF "$folder" /proc/$pid/cmdline; }
engine && kill $pid
for _ in $(seq 200); do engine || break; sleep 0.05; done
rm -rf "$folder"
`;

/** Takes an engine down when this process ends without having done so, however it ends. */
export class Reaper {
  private readonly child: ChildProcess;

  constructor(options: { gantry: string; host: string; pid: number; folder: string }) {
    const { gantry, host, pid, folder } = options;
    this.child = spawn("/bin/sh", ["-c", SCRIPT, "gantry-reaper", gantry, host, String(pid), folder], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.child.on("error", () => {}); // no shell: no help after a crash
    this.child.stdin?.on("error", () => {});
    this.child.unref();
    (this.child.stdin as unknown as { unref(): void }).unref();
  }

  /** All is taken down. */
  dismiss(): void {
    this.child.stdin?.end("done\n");
  }
}
