import assert from "node:assert/strict";
import { test } from "node:test";
import { Events } from "../../../../src/engine/events/events.ts";
import { type EventMessage, eventJson } from "../../../../src/engine/events/message.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const SECOND = 1_000_000_000n;

/** A clock that stands still until told; each stamp is a nanosecond later than the last. */
class HandClock implements Clock {
  ms = 1_700_000_000_000;
  private nanos = 0;
  private timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.ms;
  }

  stamp(): string {
    this.nanos += 1;
    return new Date(this.ms).toISOString().replace(/Z$/, `${String(this.nanos).padStart(6, "0")}Z`);
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.ms + ms, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    this.ms += ms;
    const due = this.timers.filter((timer) => timer.at <= this.ms);
    this.timers = this.timers.filter((timer) => timer.at > this.ms);
    for (const timer of due) timer.fn();
  }

  get pending(): number {
    return this.timers.length;
  }
}

function engine(): { clock: HandClock; events: Events } {
  const clock = new HandClock();
  return { clock, events: new Events({ clock, journal: new MemoryJournal() }) };
}

async function all(stream: AsyncIterable<EventMessage>): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of stream) seen.push(`${event.Type} ${event.Action} ${event.Actor.ID}`);
  return seen;
}

const never = new AbortController().signal;
const filters = (entries: Record<string, string[]> = {}): Map<string, string[]> => new Map(Object.entries(entries));

test("an event has Docker's shape, legacy fields included, and exact nanoseconds", async () => {
  const { events } = engine();
  events.publish("container", "start", "abc", { name: "web", image: "busybox" });
  events.publish("network", "connect", "n1", { container: "abc" });
  const seen: EventMessage[] = [];
  const stream = events.query({ until: 1_700_000_000n * SECOND + 9n, filters: filters() }, never);
  for await (const event of stream) seen.push(event);
  const [first, second] = seen;
  assert.deepEqual(JSON.parse(eventJson(first as EventMessage)), {
    status: "start",
    id: "abc",
    from: "busybox",
    Type: "container",
    Action: "start",
    Actor: { ID: "abc", Attributes: { name: "web", image: "busybox" } },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_000_000_000,
  });
  assert.match(eventJson(first as EventMessage), /"timeNano":1700000000000000001}$/);
  assert.equal("status" in (second as EventMessage), false);
});

test("without since and until only new events come", async () => {
  const { events } = engine();
  const stop = new AbortController();
  events.publish("container", "create", "a", {});
  const stream = events.query({ filters: filters() }, stop.signal);
  events.publish("container", "start", "a", {});
  const reading = all(stream);
  events.publish("container", "die", "a", {});
  stop.abort();
  assert.deepEqual(await reading, ["container start a", "container die a"]);
});

test("since gives the past from there on and then what is new", async () => {
  const { clock, events } = engine();
  events.publish("container", "create", "old", {});
  clock.advance(1000);
  events.publish("container", "create", "new", {});
  const stop = new AbortController();
  const reading = all(events.query({ since: 1_700_000_001n * SECOND, filters: filters() }, stop.signal));
  events.publish("container", "start", "new", {});
  stop.abort();
  assert.deepEqual(await reading, ["container create new", "container start new"]);
});

test("until in the future ends the stream then, and leaves no timer behind", async () => {
  const { clock, events } = engine();
  const reading = all(events.query({ until: 1_700_000_002n * SECOND, filters: filters() }, never));
  events.publish("container", "start", "a", {});
  clock.advance(2000);
  events.publish("container", "die", "a", {});
  assert.deepEqual(await reading, ["container start a"]);
  assert.equal(clock.pending, 0);
});

test("an end beyond what a timer holds is waited for in steps", async () => {
  const { clock, events } = engine();
  const reading = all(events.query({ until: 1_703_000_000n * SECOND, filters: filters() }, never));
  clock.advance(2 ** 31 - 1);
  events.publish("container", "start", "a", {});
  clock.advance(3_000_000_000 - 2 ** 31 + 1);
  assert.deepEqual(await reading, ["container start a"]);
});

test("leaving the loop ends the subscription and its timer", async () => {
  const { clock, events } = engine();
  const stream = events.query({ until: 1_700_000_009n * SECOND, filters: filters() }, never);
  events.publish("container", "start", "a", {});
  for await (const event of stream) {
    assert.equal(event.Actor.ID, "a");
    break;
  }
  assert.equal(clock.pending, 0);
});

test("a thousand events are remembered", async () => {
  const { events } = engine();
  for (let i = 0; i < 1005; i += 1) events.publish("container", "start", String(i), {});
  const seen = await all(events.query({ until: 1_700_000_000n * SECOND + 5000n, filters: filters() }, never));
  assert.equal(seen.length, 1000);
  assert.equal(seen[0], "container start 5");
});

test("a reader that is too slow gets what was queued, then an error, and others go on", async () => {
  const { events } = engine();
  const stop = new AbortController();
  const slow = events.query({ filters: filters() }, stop.signal);
  const fast = all(events.query({ filters: filters({ container: ["last"] }) }, stop.signal));
  for (let i = 0; i < 1100; i += 1) events.publish("container", "start", String(i), {});
  events.publish("container", "start", "last", {});
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const event of slow) seen.push(event.Actor.ID);
    },
    { kind: "unavailable", code: "EVENTS_DROPPED" },
  );
  assert.equal(seen.length, 1024);
  stop.abort();
  assert.deepEqual(await fast, ["container start last"]);
});

test("filters choose as Docker's do", async () => {
  const { events } = engine();
  const id = "4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2";
  events.publish("container", "start", id, { name: "web", image: "reg:5000/app:1", tier: "front", "a.b": "" });
  events.publish("container", "exec_create: sh -c true", id, { name: "web", image: "reg:5000/app:1" });
  events.publish("container", "health_status: healthy", id, { name: "web", image: "reg:5000/app:1" });
  events.publish("container", "die", "99", { name: "job", image: "busybox" });
  events.publish("image", "tag", "sha256:12", { name: "busybox:latest" });
  events.publish("network", "create", "net1", { name: "web", type: "bridge" });
  events.publish("volume", "create", "data", { driver: "local" });
  const cases: [Record<string, string[]>, number][] = [
    [{}, 7],
    [{ container: ["web"] }, 3],
    [{ container: ["we"] }, 3],
    [{ container: ["4fa6"] }, 3],
    [{ container: ["web", "job"] }, 4],
    [{ container: ["nobody"] }, 0],
    [{ event: ["start"] }, 1],
    [{ event: ["exec_create"] }, 1],
    [{ event: ["exec_create: sh -c true"] }, 1],
    [{ event: ["exec"] }, 0],
    [{ event: ["health_status"] }, 1],
    [{ event: ["health_status: unhealthy"] }, 0],
    [{ event: ["start", "die"] }, 2],
    [{ type: ["network"] }, 1],
    [{ type: ["network", "volume"] }, 2],
    [{ image: ["reg:5000/app"] }, 3],
    [{ image: ["reg:5000/app:1"] }, 3],
    [{ image: ["busybox"] }, 2],
    [{ label: ["tier"] }, 1],
    [{ label: ["tier=front"] }, 1],
    [{ label: ["tier=back"] }, 0],
    [{ label: ["tier", "a.b"] }, 1],
    [{ label: ["constructor"] }, 0],
    [{ network: ["web"] }, 1],
    [{ volume: ["data"] }, 1],
    [{ scope: ["swarm"] }, 0],
    [{ container: ["web"], event: ["start"] }, 1],
    [{ container: ["web"], event: ["start"], colour: ["red"] }, 1],
  ];
  for (const [wanted, count] of cases) {
    const seen = await all(events.query({ until: 1_700_000_000n * SECOND + 9n, filters: filters(wanted) }, never));
    assert.equal(seen.length, count, JSON.stringify(wanted));
  }
});

test("past events come back after a restart, what is no event is left out", async () => {
  const clock = new HandClock();
  const journal = new MemoryJournal();
  const first = new Events({ clock, journal });
  first.publish("container", "start", "a", { name: "web" });
  first.publish("volume", "create", 'a "quoted" one', { x: ',"timeNano":1}' });
  journal.lines.push('{"Type":"container","Act', "", "[]");
  const before = journal.lines.slice(0, 2);
  const second = new Events({ clock, journal });
  second.publish("container", "die", "a", {});
  const query = { since: 1n, until: BigInt(clock.ms) * 1_000_000n + SECOND, filters: filters() };
  clock.advance(2000);
  const seen: EventMessage[] = [];
  for await (const event of second.query(query, never)) seen.push(event);
  assert.deepEqual(seen.slice(0, 2).map(eventJson), before);
  assert.equal(seen.length, 3);
});

test("of what was kept only the newest thousand come back", async () => {
  const clock = new HandClock();
  const journal = new MemoryJournal();
  const first = new Events({ clock, journal });
  for (let index = 0; index < 1500; index++) first.publish("volume", "create", `v${index}`, {});
  clock.advance(2000);
  const query = { until: BigInt(clock.ms) * 1_000_000n - 1n, filters: filters() };
  const seen = await all(new Events({ clock, journal }).query(query, never));
  assert.deepEqual([seen.length, seen[0]], [1000, "volume create v500"]);
});
