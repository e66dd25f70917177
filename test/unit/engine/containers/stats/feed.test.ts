import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ContainerEntry } from "../../../../../src/engine/containers/registry.ts";
import { type Sample, StatsFeed } from "../../../../../src/engine/containers/stats/feed.ts";
import type { CgroupUsage } from "../../../../../src/ports/cgroups.ts";
import { HandClock, record } from "../fakes.ts";

let clock: HandClock;
let feed: StatsFeed;
let readings: number;
let groupGone: boolean;

const used = (total: number): CgroupUsage => ({
  version: 2,
  cpu: { total, user: 0, system: 0, periods: 0, throttledPeriods: 0, throttledTime: 0 },
  memory: { usage: 1, failures: 0, stats: {} },
  pids: { current: 1 },
  io: {},
});

beforeEach(() => {
  clock = new HandClock();
  readings = 0;
  groupGone = false;
  feed = new StatsFeed({
    clock,
    counters: {
      cpu: () => ({ total: 100, online: 2 }),
      interfaces: () => {
        const none = { bytes: 0, packets: 0, errors: 0, dropped: 0 };
        return Object.fromEntries(["eth0", "docker0"].map((name) => [name, { received: none, sent: none }]));
      },
    },
    cgroups: {
      usage: () => (groupGone ? undefined : used(++readings)),
      pids: () => [],
      texts: () => ({ version: 1, texts: [] }),
      lift: () => {},
      oomKills: () => 0,
      memoryPeak: () => undefined,
      removeFolders: () => {},
      frozen: () => false,
      destroy: async () => {},
      children: () => [],
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
});

const up = (netns?: string): ContainerEntry =>
  new ContainerEntry(
    record(
      {
        attachment: {
          ...(netns && { netns }),
          networks: {},
          ports: {},
          hosts: [],
          resolv: { nameservers: [], search: [], options: [] },
        },
      },
      { status: "running", process: { pid: 7, startTime: 1 } },
    ),
  );

/** The CPU time of each sample and of the one before it. */
const totals = (samples: Sample[]): (number | undefined)[][] =>
  samples.map(({ now, before }) => [before?.usage.cpu.total, now?.usage.cpu.total]);

function watch(entry: ContainerEntry): { samples: Sample[]; gone: number; leave: () => void } {
  const seen = { samples: [] as Sample[], gone: 0, leave: () => {} };
  seen.leave = feed.watch(entry, {
    onSample: (sample) => void seen.samples.push(sample),
    onGone: () => void seen.gone++,
  });
  return seen;
}

describe("the feed of statistics", () => {
  it("has a sample each second, each with the one before it, from the first on", async () => {
    const { samples, leave } = watch(up());
    await clock.pass(3000);
    leave();
    assert.deepEqual(totals(samples), [
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    assert.equal(samples[0]?.now?.at, "1000 ms");
  });

  it("reads once for all who watch, and nothing once nobody does", async () => {
    const entry = up();
    const seen = [watch(entry), watch(entry), watch(entry)];
    await clock.pass(2000);
    assert.equal(readings, 3);
    for (const { samples, leave } of seen) {
      assert.equal(samples.length, 2);
      leave();
    }
    await clock.pass(5000);
    assert.equal(readings, 3);
    assert.equal(clock.waiting, 0);
  });

  it("gives one who comes later a sample with a full second in it, not a sliver", async () => {
    const first = watch(up());
    await clock.pass(900);
    const other = up();
    other.record.id = "b".repeat(64);
    const second = watch(other);
    await clock.pass(100);
    assert.deepEqual([first.samples.length, second.samples.length], [1, 0]);
    await clock.pass(1000);
    assert.deepEqual([first.samples.length, second.samples.length], [2, 1]);
    assert.ok(second.samples[0]?.before);
  });

  it("goes on empty while the container is down, and begins anew when it is up", async () => {
    const entry = up();
    const { samples } = watch(entry);
    await clock.pass(1000);
    entry.record.state.status = "exited";
    await clock.pass(1000);
    entry.record.state.status = "running";
    groupGone = true;
    await clock.pass(1000);
    groupGone = false;
    await clock.pass(2000);
    assert.deepEqual(totals(samples), [
      [1, 2],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, 3],
      [3, 4],
    ]);
  });

  it("ends when the container is removed", async () => {
    const entry = up();
    const seen = watch(entry);
    entry.removed.fire(0);
    await clock.pass(2000);
    assert.deepEqual([seen.gone, seen.samples.length, clock.waiting], [1, 0, 0]);
    seen.leave();
  });

  it("has one loop also when watchers come and go between two rounds", async () => {
    const entry = up();
    for (let i = 0; i < 5; i++) {
      const { leave } = watch(entry);
      await clock.pass(300);
      leave();
    }
    const { samples } = watch(entry);
    await clock.pass(4000);
    assert.equal(clock.waiting, 1);
    assert.ok(samples.length >= 3 && samples.length <= 4);
  });

  it("tells the traffic of its own interfaces only, and none on the host's network", () => {
    assert.deepEqual(Object.keys(feed.once(up("/run/netns/x")).now?.interfaces ?? {}), ["eth0"]);
    assert.deepEqual(feed.once(up()).now?.interfaces, {});
  });
});
