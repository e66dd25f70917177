import { abandonable } from "../base/abort.ts";
import { GantryError } from "../base/errors.ts";
import type { RunTerminal, TerminalSize } from "../engine/containers/run-terminal.ts";
import type { ClientStream } from "../engine/containers/attach.ts";

/** Runs a command, or a shell where there is none, with what the failed step had. */
type RunShell = (command: string | undefined, terminal: RunTerminal) => Promise<void>;

interface Held {
  run: RunShell;
  resize: (size: TerminalSize) => void;
  taken: boolean;
  done: () => void;
}

/** Steps that failed and are held until their client has looked around in them. */
export class BuildShells {
  private readonly held = new Map<string, Held>();

  /** Holds a step until its shell has ended or the signal aborts. `announce`: the client may come now. */
  async hold(token: string, signal: AbortSignal, run: RunShell, announce: () => void): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.held.set(token, { run, resize: () => {}, taken: false, done: resolve });
    });
    announce();
    try {
      await abandonable(done, signal);
    } finally {
      this.held.delete(token);
    }
  }

  /** Throws notFound NO_SUCH_SHELL. */
  check(token: string): void {
    const held = this.held.get(token);
    if (held === undefined || held.taken) throw noSuchShell(token);
  }

  /** Lets a client into a step, once. Resolves when the shell has ended; the step is given up then. */
  async enter(
    token: string,
    client: ClientStream,
    { command, size }: { command?: string; size?: TerminalSize },
  ): Promise<void> {
    this.check(token);
    const held = this.held.get(token)!;
    held.taken = true;
    const onResize: RunTerminal["onResize"] = (listener) => void (held.resize = listener);
    try {
      await held.run(command, { client, onResize, ...(size && { size }) });
    } finally {
      client.end();
      held.done();
    }
  }

  /** Throws notFound NO_SUCH_SHELL. */
  resize(token: string, size: TerminalSize): void {
    const held = this.held.get(token);
    if (held === undefined) throw noSuchShell(token);
    held.resize(size);
  }
}

const noSuchShell = (token: string): GantryError =>
  new GantryError("notFound", "NO_SUCH_SHELL", `no such build shell: ${token}`);
