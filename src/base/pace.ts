/**
 * Lets a few pieces of work go on at a time, in the order asked, so that a crowd of them leaves room for others. One that
 * takes longer than `patience` ms counts no more: whatever holds it up holds up nobody else.
 */
export class Pace {
  private readonly atOnce: number;
  private readonly patience: number;
  private readonly after: (ms: number, fn: () => void) => () => void;
  private under = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(atOnce: number, patience: number, after: (ms: number, fn: () => void) => () => void) {
    this.atOnce = atOnce;
    this.patience = patience;
    this.after = after;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.under >= this.atOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.under++;
    let counted = true;
    const leave = (): void => {
      if (!counted) return;
      counted = false;
      const next = this.waiting.shift();
      if (next === undefined) this.under--;
      else next();
    };
    const cancel = this.after(this.patience, leave);
    try {
      return await work();
    } finally {
      cancel();
      leave();
    }
  }
}
