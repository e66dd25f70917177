import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Ran, run } from "./engine.ts";
import { until } from "./until.ts";

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** One terminal of 80×24 (tmux, with a server of its own) in which a program runs. */
export class Terminal {
  private readonly server = `gantry-test-${randomBytes(4).toString("hex")}`;

  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-terminal-"));
  private readonly status = path.join(this.folder, "status");

  private constructor() {}

  static async start(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Terminal> {
    const terminal = new Terminal();
    // The shell must outlive a Ctrl-C to tell the exit code: tmux itself does not always come to know it.
    const script = 'trap : INT; status=$1; shift; "$@"; echo $? >$status.new; mv $status.new $status';
    const command = ["exec", ...["sh", "-c", script, "sh", terminal.status, ...argv].map(quote)].join(" ");
    const made = await run(
      "tmux",
      [
        ...["-L", terminal.server, "-f", "/dev/null", "start-server", ";", "set", "-g", "remain-on-exit", "on", ";"],
        ...["new-session", "-d", "-x", "80", "-y", "24", command],
      ],
      { env: { ...env, TERM: "xterm", SHELL: "/bin/sh", LC_ALL: "C.UTF-8" } },
    );
    if (made.code !== 0) throw new Error(`tmux: ${made.stderr}`);
    return terminal;
  }

  private tmux(...args: string[]): Promise<Ran> {
    return run("tmux", ["-L", this.server, ...args]);
  }

  /** What is on the screen and above it, without blanks at lines' ends. */
  async text(): Promise<string> {
    const { stdout } = await this.tmux("capture-pane", "-p", "-S", "-");
    return stdout.replace(/[ \n]+$/, "").replace(/[ ]+\n/g, "\n");
  }

  async waitFor(pattern: RegExp | string): Promise<void> {
    const found = async (): Promise<boolean> => {
      const text = await this.text();
      return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
    };
    await this.patiently(found, `${pattern} on the terminal`);
  }

  /** A time-out tells what is on the screen. */
  private async patiently(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
    try {
      await until(condition, { what, every: 40 });
    } catch (error) {
      throw new Error(`${(error as Error).message}; the screen:\n${await this.text()}`, { cause: error });
    }
  }

  /** Types text, as it is. */
  async type(text: string): Promise<void> {
    await this.tmux("send-keys", "-l", text);
  }

  /** Presses keys by tmux's names: Enter, C-c, C-p. */
  async press(...keys: string[]): Promise<void> {
    await this.tmux("send-keys", ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Waits until the program has ended; gives its exit code as a shell sees it (130: SIGINT). */
  async exit(): Promise<number> {
    await this.patiently(() => fs.existsSync(this.status), "the program to end");
    return Number(fs.readFileSync(this.status, "utf8"));
  }

  async close(): Promise<void> {
    await this.tmux("kill-server");
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
