import type { EventJournal } from "../../src/ports/event-journal.ts";

/** A journal that lasts as long as the test. */
export class MemoryJournal implements EventJournal {
  readonly lines: string[];

  constructor(lines: string[] = []) {
    this.lines = lines;
  }

  read(): string[] {
    return [...this.lines];
  }

  append(line: string): void {
    this.lines.push(line);
  }

  async close(): Promise<void> {}
}
