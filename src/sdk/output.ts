import { StringDecoder } from "node:string_decoder";
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
