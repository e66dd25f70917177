/** Takes a stream of JSON values apart, one a line (pull, build, events, stats). Empty lines are skipped. */
export class JsonLines<T> {
  private rest: Buffer[] = [];

  /** The values whose line ended within this chunk. Throws SyntaxError on a line that is not JSON. */
  push(chunk: Buffer): T[] {
    const values: T[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.rest.push(chunk.subarray(start, end));
      start = end + 1;
      values.push(...this.take());
    }
    if (start < chunk.length) this.rest.push(chunk.subarray(start));
    return values;
  }

  /** What stands after the last newline. */
  end(): T[] {
    return this.take();
  }

  private take(): T[] {
    const text = (this.rest.length === 1 ? this.rest[0]! : Buffer.concat(this.rest)).toString("utf8").trim();
    this.rest = [];
    return text === "" ? [] : [JSON.parse(text) as T];
  }
}
