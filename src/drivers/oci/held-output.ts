export type OnOutput = (stream: "stdout" | "stderr", chunk: Buffer) => void;

/** A runtime writes its complaint to stderr first, then to its log: by now it would be there too. In milliseconds. */
const LOG_DELAY = 25;

/**
 * Output of a runtime's `run`, in the order in which it came. The first words on stderr may be the runtime's own
 * complaint that it can't start the process; those are told as an error, so they wait until its log says whose they are.
 */
export class HeldOutput {
  private readonly deliver: OnOutput;
  private readonly complained: () => boolean;
  private held: { stream: "stdout" | "stderr"; chunk: Buffer }[] = [];
  private sure = false;
  private timer: NodeJS.Timeout | undefined;

  /** `complained`: whether the runtime's log has anything. */
  constructor(deliver: OnOutput, complained: () => boolean) {
    this.deliver = deliver;
    this.complained = complained;
  }

  push(stream: "stdout" | "stderr", chunk: Buffer): void {
    if (this.sure || (stream === "stdout" && this.held.length === 0)) return this.deliver(stream, chunk);
    this.held.push({ stream, chunk });
    this.timer ??= setTimeout(() => {
      if (!this.complained()) this.end(true);
    }, LOG_DELAY);
  }

  /** What crun said in the container's place when the kernel refused the program: its log can't be reached from there. */
  lateComplaint(): string {
    const words = Buffer.concat(this.held.flatMap(({ stream, chunk }) => (stream === "stderr" ? [chunk] : [])));
    return /^exec container process .*$/.exec(words.toString().trim())?.[0] ?? "";
  }

  /** The process has ended; `ran` tells that what is held is its own output. */
  end(ran: boolean): void {
    clearTimeout(this.timer);
    this.sure = true;
    const { held } = this;
    this.held = [];
    for (const { stream, chunk } of held) if (ran || stream === "stdout") this.deliver(stream, chunk);
  }
}
