import { abandonable } from "./abort.ts";

/** Lets so many pieces of work go on at a time, in the order asked. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** Throws the signal's reason if it aborts before a slot is free. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await abandonable(new Promise<void>((resolve) => this.waiting.push(resolve)), signal, () => this.leave());
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  }
}
