import { StringDecoder } from "node:string_decoder";
import type { Hijacked } from "../client/transport.ts";
import { demux } from "../client/containers.ts";
import { STREAM } from "../wire/frames.ts";

/** How a program ended, and what it wrote. With a terminal all output is `stdout`. */
export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export type OutputStream = "stdout" | "stderr";

/** One line of output, without its newline. */
export interface LogLine {
  stream: OutputStream;
  line: string;
  /** When it was written; only where time stamps were asked for. */
  time?: Date;
}

export interface Chunk {
  stream: OutputStream;
  data: Buffer;
}

export async function* chunksOf(body: AsyncIterable<Buffer>, tty: boolean): AsyncGenerator<Chunk> {
  for await (const { stream, data } of demux(body, tty)) {
    yield { stream: stream === STREAM.stderr ? "stderr" : "stdout", data };
  }
}

/** Whole lines; a last one without a newline comes too. Characters that a chunk's border cuts stay whole. */
export async function* linesOf(chunks: AsyncIterable<Chunk>, stamped: boolean): AsyncGenerator<LogLine> {
  const open = { stdout: new OpenLine(), stderr: new OpenLine() };
  for await (const { stream, data } of chunks) {
    for (const line of open[stream].push(data)) yield logLine(stream, line, stamped);
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const rest = open[stream].end();
    if (rest !== "") yield logLine(stream, rest, stamped);
  }
}

function logLine(stream: OutputStream, text: string, stamped: boolean): LogLine {
  if (!stamped) return { stream, line: text };
  const space = text.indexOf(" ");
  return { stream, line: text.slice(space + 1), time: new Date(text.slice(0, space)) };
}

class OpenLine {
  private readonly decoder = new StringDecoder("utf8");
  private text = "";

  push(data: Buffer): string[] {
    const lines = (this.text + this.decoder.write(data)).split("\n");
    this.text = lines.pop() ?? "";
    return lines.map((line) => line.replace(/\r$/, ""));
  }

  end(): string {
    const rest = this.text + this.decoder.end();
    this.text = "";
    return rest;
  }
}

/** All of the output as text, its streams apart. */
export async function gatherOutput(chunks: AsyncIterable<Chunk>): Promise<{ stdout: string; stderr: string }> {
  const parts: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  for await (const { stream, data } of chunks) parts[stream].push(data);
  return { stdout: Buffer.concat(parts.stdout).toString("utf8"), stderr: Buffer.concat(parts.stderr).toString("utf8") };
}

/** What goes to a program's stdin. */
export type Input = string | Uint8Array | AsyncIterable<Uint8Array>;

/** A connection to a running program: its output as it comes, and its stdin. */
export class Session implements AsyncIterable<Chunk>, Disposable {
  private readonly connection: Hijacked;
  private readonly tty: boolean;

  /** @internal */
  constructor(connection: Hijacked, tty: boolean) {
    this.connection = connection;
    this.tty = tty;
  }

  /** Resolves when the connection takes more. */
  async write(data: string | Uint8Array): Promise<void> {
    const { socket } = this.connection;
    if (socket.write(data) || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.once("drain", done).once("close", done);
    });
  }

  /** Closes its stdin; the output goes on. */
  end(): void {
    this.connection.socket.end();
  }

  /** Writes all of it, then closes stdin. */
  async send(input: Input): Promise<void> {
    if (typeof input === "string" || input instanceof Uint8Array) await this.write(input);
    else for await (const chunk of input) await this.write(chunk);
    this.end();
  }

  /** The output until the program closes it. */
  [Symbol.asyncIterator](): AsyncGenerator<Chunk> {
    return chunksOf(this.connection.socket as AsyncIterable<Buffer>, this.tty);
  }

  [Symbol.dispose](): void {
    this.connection.socket.destroy();
  }
}
