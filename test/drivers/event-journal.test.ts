import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { FileJournal } from "../../src/drivers/event-journal/file-journal.ts";
import { until } from "../support/until.ts";

describe("the journal of events", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-journal-"));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const warnings: string[] = [];
  const open = (name: string, keep = 10): FileJournal =>
    new FileJournal({
      file: path.join(folder, name),
      keep,
      logger: { warn: (message) => void warnings.push(message) },
    });
  const text = (name: string): string => fs.readFileSync(path.join(folder, name), "utf8");
  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

  it("gives back what was written, also by one that was never closed", async () => {
    const first = open("plain");
    assert.deepEqual(first.read(), []);
    for (const line of numbers(0, 3)) first.append(line);
    await until(() => text("plain").endsWith("line 2\n"), { what: "the lines to be written" });
    const second = open("plain");
    assert.deepEqual(second.read(), numbers(0, 3));
    second.append("line 3");
    await second.close();
    await first.close();
    assert.deepEqual(open("plain").read(), numbers(0, 4));
  });

  it("leaves out a line that was cut short, and does not mix it with the next", async () => {
    fs.writeFileSync(path.join(folder, "torn"), "line 0\nline 1\nli");
    const journal = open("torn");
    assert.deepEqual(journal.read(), numbers(0, 2));
    journal.append("line 2");
    await journal.close();
    assert.equal(text("torn"), "line 0\nline 1\nli\nline 2\n");
  });

  it("keeps at least as many as asked for, and twice as many at most", async () => {
    for (let at = 0; at < 95; at += 5) {
      const journal = open("long");
      journal.read();
      for (const line of numbers(at, at + 5)) journal.append(line);
      await journal.close();
      const kept = open("long").read();
      assert.deepEqual(kept, numbers(at + 5 - kept.length, at + 5));
      assert.ok(kept.length >= Math.min(10, at + 5) && kept.length <= 20, `${kept.length}`);
    }
  });

  it("goes on without a place to write, saying so once", async () => {
    const journal = open("nowhere/at-all");
    journal.append("a");
    await journal.close();
    journal.append("b");
    await journal.close();
    assert.deepEqual(warnings, ["events are not kept"]);
    fs.mkdirSync(path.join(folder, "nowhere"));
    journal.append("c");
    await journal.close();
    assert.equal(text("nowhere/at-all"), "c\n");
  });
});
