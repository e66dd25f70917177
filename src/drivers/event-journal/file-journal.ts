import fs from "node:fs";
import { errnoOf, messageOf } from "../../base/errors.ts";
import type { EventJournal } from "../../ports/event-journal.ts";
import type { Logger } from "../../ports/logger.ts";

export interface FileJournalDeps {
  /** Written to; `FILE.1` holds what was before. */
  file: string;
  /** So many lines at least are kept, twice as many at most. */
  keep: number;
  logger: Pick<Logger, "warn">;
}

/** Two files of lines. What comes while a write is under way goes along with the next, so there is one at a time. */
export class FileJournal implements EventJournal {
  private readonly deps: FileJournalDeps;
  private fd: number | undefined;
  /** Lines in the file. */
  private lines = 0;
  private waiting: string[] = [];
  private writing: Promise<void> | undefined;
  /** The file does not end with a line break: a write was cut short. */
  private torn = false;
  private failing = false;

  constructor(deps: FileJournalDeps) {
    this.deps = deps;
  }

  read(): string[] {
    const older = this.linesOf(`${this.deps.file}.1`);
    const newer = this.linesOf(this.deps.file);
    this.lines = newer.length;
    return [...older, ...newer];
  }

  append(line: string): void {
    this.waiting.push(line);
    // under way, or stuck: the newest are worth most
    if (this.waiting.length > this.deps.keep) this.waiting.shift();
    this.writing ??= this.drain();
  }

  async close(): Promise<void> {
    await this.writing;
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }

  private linesOf(file: string): string[] {
    let text: string;
    try {
      text = fs.readFileSync(file, "utf8");
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") this.deps.logger.warn("past events can't be read", { error: messageOf(error) });
      return [];
    }
    const lines = text.split("\n");
    if (lines.pop() !== "" && file === this.deps.file) this.torn = true;
    return lines.filter((line) => line !== "");
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0);
      try {
        await this.write(batch);
        this.failing = false;
      } catch (error) {
        if (!this.failing) this.deps.logger.warn("events are not kept", { error: messageOf(error) });
        this.failing = true;
      }
    }
    this.writing = undefined;
  }

  private async write(batch: string[]): Promise<void> {
    if (this.lines >= this.deps.keep) this.rotate();
    this.fd ??= fs.openSync(this.deps.file, "a", 0o600);
    const text = `${this.torn ? "\n" : ""}${batch.join("\n")}\n`;
    this.torn = true;
    await writeAll(this.fd, Buffer.from(text));
    this.torn = false;
    this.lines += batch.length;
  }

  private rotate(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
    fs.renameSync(this.deps.file, `${this.deps.file}.1`);
    this.torn = false;
    this.lines = 0;
  }
}

function writeAll(fd: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, (error, written) => {
      if (error) reject(error);
      else if (written < bytes.length) writeAll(fd, bytes.subarray(written)).then(resolve, reject);
      else resolve();
    });
  });
}
