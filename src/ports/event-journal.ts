/** Where the engine's past events outlive it: a bounded list of lines, oldest first. */
export interface EventJournal {
  /** The lines of before, at least the last so many as the journal was made for. What a crash tore is left out. */
  read(): string[];
  /**
   * Adds a line, without a line break in it. Returns at once and never throws: a moment later kill -9 no longer takes
   * it, but a power cut may. On a full disk it is lost.
   */
  append(line: string): void;
  /** Settles when everything is written. */
  close(): Promise<void>;
}
