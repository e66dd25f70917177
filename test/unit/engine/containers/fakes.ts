import { type ContainerRecord, type ContainerState, NEVER } from "../../../../src/engine/containers/record.ts";
import type { Clock } from "../../../../src/ports/clock.ts";

export const record = (
  change: Partial<ContainerRecord> = {},
  state: Partial<ContainerState> = {},
): ContainerRecord => ({
  id: "a".repeat(64),
  name: "web",
  created: "2026-01-01T00:00:00.000000000Z",
  path: "sh",
  args: [],
  config: { Hostname: "" },
  hostConfig: { NetworkMode: "bridge" },
  networking: {},
  imageId: "sha256:1",
  platform: "linux",
  mounts: [],
  state: {
    status: "created",
    exitCode: 0,
    error: "",
    oomKilled: false,
    startedAt: NEVER,
    finishedAt: NEVER,
    restartCount: 0,
    manuallyStopped: false,
    ...state,
  },
  ...change,
});

/** Time that passes when told. */
export class HandClock implements Clock {
  private ms = 0;
  private timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.ms;
  }

  stamp(): string {
    return `${this.ms} ms`;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.ms + ms, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get waiting(): number {
    return this.timers.length;
  }

  /** Lets time pass, and what is due happen, also what takes several turns. */
  async pass(ms: number): Promise<void> {
    const end = this.ms + ms;
    await turns();
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.ms = next.at;
      next.fn();
      await turns();
    }
    this.ms = end;
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
}
