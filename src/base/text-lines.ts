/** Takes a stream of lines apart, each one JSON (pull, build, events, stats). Empty lines are skipped. */
export class TextLines {
  private rest: Buffer[] = [];

  /** The lines that ended within this chunk. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.rest.push(chunk.subarray(start, end));
      start = end + 1;
      lines.push(...this.take());
    }
    if (start < chunk.length) this.rest.push(chunk.subarray(start));
    return lines;
  }

  /** What stands after the last newline. */
  end(): string[] {
    return this.take();
  }

  private take(): string[] {
    const text = (this.rest.length === 1 ? this.rest[0]! : Buffer.concat(this.rest)).toString("utf8").trim();
    this.rest = [];
    return text === "" ? [] : [text];
  }
}
