import { GantryError } from "../../base/errors.ts";
import type { ContainerLogs } from "../../ports/container-logs.ts";
import type { AttachStream } from "../../ports/monitor.ts";
import type { ContainerDeps } from "./deps.ts";
import { isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

/** The client's end of an attach or exec. */
export interface ClientStream {
  /** Delivers output; false asks to hold back until `onDrain`. */
  write(stream: "stdout" | "stderr", chunk: Buffer): boolean;
  onDrain(listener: () => void): void;
  onInput(listener: (chunk: Buffer) => void): void;
  /** The client will send no more input. */
  onInputEnd(listener: () => void): void;
  /** The client is gone. */
  onClose(listener: () => void): void;
  end(): void;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** First what is in the log. */
  logs: boolean;
  /** Then what comes. */
  stream: boolean;
  detachKeys?: string;
}

/** Connects clients with running containers, and with those about to start. */
export class Attacher {
  private readonly deps: Pick<ContainerDeps, "monitor" | "files" | "publish">;
  private readonly logs: ContainerLogs;

  constructor(deps: Pick<ContainerDeps, "monitor" | "files" | "publish">, logs: ContainerLogs) {
    this.deps = deps;
    this.logs = logs;
  }

  /** Throws conflict while the container is paused or restarting. Checked before the connection is taken over. */
  check(entry: ContainerEntry, detachKeys: string | undefined): void {
    parseDetachKeys(detachKeys);
    const { status } = entry.record.state;
    if (status === "paused") {
      throw new GantryError(
        "conflict",
        "PAUSED",
        `container ${entry.id} is paused, unpause the container before attach`,
      );
    }
    if (status === "restarting") {
      throw new GantryError(
        "conflict",
        "RESTARTING",
        `container ${entry.id} is restarting, wait until the container is running`,
      );
    }
  }

  /** Resolves when the session is over. */
  async attach(entry: ContainerEntry, client: ClientStream, options: AttachOptions): Promise<void> {
    if (options.logs) {
      for await (const { stream, data } of this.logs.read(this.deps.files.paths(entry.id).log, {})) {
        if (options[stream]) client.write(stream, data);
      }
    }
    if (!options.stream) {
      client.end();
      return;
    }
    this.deps.publish(entry, "attach");
    const gone = new Promise<void>((resolve) => client.onClose(resolve));
    if (!isUp(entry.record)) {
      const started = await Promise.race([nextStart(entry), gone]);
      if (!started) {
        client.end();
        return;
      }
    }
    let session: AttachStream;
    try {
      session = await this.deps.monitor.attach(this.deps.files.paths(entry.id).bundle);
    } catch {
      // The container ended in this moment: there is nothing left to see.
      client.end();
      return;
    }
    const over = pump(session, client, {
      ...options,
      tty: entry.record.config.Tty ?? false,
      stdin: options.stdin && (entry.record.config.OpenStdin ?? false),
      onDetach: () => this.deps.publish(entry, "detach"),
    });
    entry.sessions.add(over);
    await over;
    entry.sessions.delete(over);
  }
}

/** true once the container is created and about to start; undefined if the start fails or the container goes. */
function nextStart(entry: ContainerEntry): Promise<true | undefined> {
  return new Promise((resolve) => {
    const forget = [
      entry.created.once(() => settle(true)),
      entry.exited.once(() => settle(undefined)),
      entry.removed.once(() => settle(undefined)),
    ];
    const settle = (value: true | undefined): void => {
      for (const takeBack of forget) takeBack();
      resolve(value);
    };
  });
}

export interface PumpOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  detachKeys?: string;
  onDetach?: () => void;
}

/** Moves bytes both ways until either end is done. A client that reads slowly holds the container's output back. */
export function pump(session: AttachStream, client: ClientStream, options: PumpOptions): Promise<void> {
  return new Promise((resolve) => {
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      session.destroy();
      client.end();
      resolve();
    };
    session.onOutput((stream, chunk) => {
      if (!options[stream]) return;
      if (!client.write(stream, chunk)) session.pause();
    });
    client.onDrain(() => session.resume());
    session.onClose(finish);
    client.onClose(finish);
    if (!options.stdin) {
      // what the client sends is of no interest, that it ends is
      client.onInputEnd(() => {});
      return;
    }
    const filter = options.tty ? new DetachFilter(parseDetachKeys(options.detachKeys)) : undefined;
    client.onInput((chunk) => {
      const result = filter ? filter.push(chunk) : { data: chunk, detached: false };
      if (result.data.length > 0) void session.write(result.data);
      if (result.detached) {
        options.onDetach?.();
        finish();
      }
    });
    client.onInputEnd(() => session.endInput());
  });
}

const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** "ctrl-p,ctrl-q", "a", "ctrl-[" → the bytes. Throws invalid BAD_DETACH_KEYS; an exec's are `escape` keys to Docker. */
export function parseDetachKeys(text: string | undefined, word: "detach" | "escape" = "detach"): number[] {
  return (text || DEFAULT_DETACH_KEYS).split(",").map((key) => {
    if (/^ctrl-[a-z@[\\\]^_]$/.test(key)) return key.charCodeAt(5) & 0x1f;
    if (key.length === 1) return key.charCodeAt(0);
    throw new GantryError("invalid", "BAD_DETACH_KEYS", `Invalid ${word} keys (${text}) provided`);
  });
}

/** Finds the detach sequence in typed input; keys of an unfinished sequence are held back. */
export class DetachFilter {
  private readonly keys: number[];
  private matched = 0;

  constructor(keys: number[]) {
    this.keys = keys;
  }

  push(chunk: Buffer): { data: Buffer; detached: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.keys[this.matched]) {
        this.matched++;
        if (this.matched === this.keys.length) return { data: Buffer.from(out), detached: true };
        continue;
      }
      out.push(...this.keys.slice(0, this.matched));
      this.matched = 0;
      if (byte === this.keys[0]) this.matched = 1;
      else out.push(byte);
    }
    return { data: Buffer.from(out), detached: false };
  }
}
