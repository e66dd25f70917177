import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Events } from "../../../../src/engine/events/events.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { Call } from "../../../../src/server/call.ts";
import { eventRoutes } from "../../../../src/server/routes/events.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const clock: Clock = {
  now: () => 1_700_000_000_000,
  stamp: () => "2023-11-14T22:13:19.000000001Z",
  after: () => () => {},
};

/** Runs the route against an in-memory response; gives what was written. */
async function get(events: Events, query: string, signal = new AbortController().signal): Promise<string> {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const response = Object.assign(out, { writeHead: () => {}, flushHeaders: () => {} }) as unknown as ServerResponse;
  const call = new Call({
    params: {},
    query: new URLSearchParams(query),
    version: [1, 51],
    request: { headers: {} } as IncomingMessage,
    response,
    signal,
  });
  await eventRoutes({ events, clock })[0]?.handler(call);
  return text;
}

test("past events are written one a line and the answer ends at until", async () => {
  const events = new Events({ clock, journal: new MemoryJournal() });
  events.publish("container", "start", "a", { name: "web" });
  events.publish("volume", "create", "v", {});
  const text = await get(events, "since=10s&until=1700000000");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { Action: string });
  assert.deepEqual(
    lines.map((line) => line.Action),
    ["start", "create"],
  );
});

test("filters come from the query", async () => {
  const events = new Events({ clock, journal: new MemoryJournal() });
  events.publish("container", "start", "a", {});
  events.publish("volume", "create", "v", {});
  const text = await get(
    events,
    `since=10s&until=1700000000&filters=${encodeURIComponent('{"type":{"volume":true}}')}`,
  );
  assert.equal(text.trimEnd().split("\n").length, 1);
  assert.match(text, /"Type":"volume"/);
});

test("a since after until is refused before anything is sent", async () => {
  await assert.rejects(get(new Events({ clock, journal: new MemoryJournal() }), "since=1700000000&until=1600000000"), {
    kind: "invalid",
    message: "since time (1700000000) cannot be after until time (1600000000)",
  });
  await assert.rejects(get(new Events({ clock, journal: new MemoryJournal() }), "since=noon"), {
    kind: "invalid",
    code: "BAD_TIME",
  });
});

test("the stream ends when the client goes away", async () => {
  const stop = new AbortController();
  const reading = get(new Events({ clock, journal: new MemoryJournal() }), "", stop.signal);
  stop.abort();
  assert.equal(await reading, "");
});
