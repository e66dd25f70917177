import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { K8sLogs } from "../../src/drivers/logs/k8s-log.ts";
import type { LogQuery } from "../../src/ports/container-logs.ts";
import { parseTimestamp } from "../../src/base/timestamps.ts";
import { until } from "../support/until.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-logs-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

const KEEPING = { maxSize: 1000, maxFiles: 3, compress: false, readable: true };
const logs = new K8sLogs();
const stamp = (second: number, zone = "+00:00"): string => `2026-01-02T03:04:0${second}.000000123${zone}`;
const record = (second: number, text: string, tag = "F", stream = "stdout"): string =>
  `${stamp(second)} ${stream} ${tag} ${text}\n`;

const write = (name: string, ...records: string[]): string => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, records.join(""), "latin1");
  return file;
};

const read = async (file: string, query: LogQuery = {}): Promise<string> => {
  let text = "";
  for await (const entry of logs.read(file, query)) text += entry.data.toString("latin1");
  return text;
};

describe("K8sLogs", () => {
  it("joins parts of lines and keeps an end without a newline", async () => {
    const file = write(
      "parts",
      record(1, "ab", "P"),
      record(1, "c\rd\xff\0", "P"),
      record(2, ""),
      record(3, "end", "P"),
    );
    assert.equal(await read(file), "abc\rd\xff\0\nend");
    const flags = [];
    for await (const entry of logs.read(file, {})) flags.push(entry.continued);
    assert.deepEqual(flags, [false, true, true, false]);
  });

  it("gives the last lines, also of a long log and across a rotation", async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => record(1, `line ${n} ${"x".repeat(40)}`));
    const file = write("long", ...many);
    assert.equal(
      (await read(file, { tail: 3 }))
        .split("\n")
        .map((line) => line.slice(0, 10))
        .join(),
      "line 19997,line 19998,line 19999,",
    );
    assert.equal((await read(file, { tail: 20_001 })).split("\n").length, 20_001);
    assert.equal(await read(file, { tail: 0 }), "");
    write("rotated.1", record(1, "one"), record(1, "two"));
    const newer = write("rotated", record(2, "three"));
    assert.equal(await read(newer, { tail: 2 }), "two\nthree\n");
    assert.equal(await read(newer), "one\ntwo\nthree\n");
  });

  it("counts a last line that has no newline", async () => {
    const file = write("open", record(1, "one"), record(2, "two"), record(3, "thr", "P"), record(3, "ee", "P"));
    assert.equal(await read(file, { tail: 1 }), "three");
    assert.equal(await read(file, { tail: 2 }), "two\nthree");
  });

  it("finds a line by its own time, to the nanosecond", async () => {
    for (const nanos of ["000000001", "123456789", "999999999", "532144703", "200000513"]) {
      const time = `2026-01-02T03:04:05.${nanos}`;
      const file = write("exact", `${time}+00:00 stdout F it\n`);
      const at = parseTimestamp(`${time}Z`, 0);
      assert.equal(await read(file, { since: at, until: at }), "it\n", nanos);
      assert.equal(await read(file, { since: at + 1n }), "");
      assert.equal(await read(file, { until: at - 1n }), "");
    }
  });

  it("picks by time, and shows it in UTC", async () => {
    const file = write("times", record(1, "a"), record(2, "b"), `${stamp(3, "+02:00")} stdout F early\n`);
    assert.equal(await read(file, { since: parseTimestamp("2026-01-02T03:04:02Z", 0) }), "b\n");
    assert.equal(await read(file, { until: parseTimestamp("2026-01-02T03:04:01.5Z", 0) }), "a\nearly\n");
    const times = [];
    for await (const entry of logs.read(file, { tail: 1 })) times.push(entry.time);
    assert.deepEqual(times, ["2026-01-02T01:04:03.000000123Z"]);
  });

  it("passes over a torn record", async () => {
    const file = write("torn", record(1, "a"), "2026-01-02T03", "\n", record(2, "b"));
    assert.equal(await read(file), "a\nb\n");
  });

  it("follows what is written, across a rotation, until the container has ended", async () => {
    const file = write("follow", record(1, "a"));
    let ended = false;
    let wake = (): void => {};
    let text = "";
    const reading = (async () => {
      const query: LogQuery = { follow: true, ended: () => ended, onEnd: (call) => ((wake = call), () => {}) };
      for await (const entry of logs.read(file, query)) text += entry.data.toString();
    })();
    await until(() => text === "a\n", { what: "the first line" });
    fs.appendFileSync(file, record(2, "b"));
    await until(() => text === "a\nb\n", { what: "the second line" });
    logs.rotate(file, KEEPING);
    fs.writeFileSync(file, record(3, "c"));
    await until(() => text === "a\nb\nc\n", { what: "the line after the rotation" });
    fs.appendFileSync(file, record(4, "d"));
    ended = true;
    wake();
    await reading;
    assert.equal(text, "a\nb\nc\nd\n");
  });

  it("ends a follow when the reader leaves", async () => {
    const file = write("left", record(1, "a"));
    const leave = new AbortController();
    for await (const _ of logs.read(file, { follow: true, signal: leave.signal })) leave.abort();
  });

  it("keeps as many rotated files as asked", () => {
    const file = write("keep", "3");
    write("keep.1", "2");
    write("keep.2", "1");
    logs.rotate(file, KEEPING);
    assert.deepEqual(
      ["keep.1", "keep.2", "keep.3"].map((name) => fs.existsSync(path.join(folder, name))),
      [true, true, false],
    );
    assert.equal(fs.readFileSync(`${file}.1`, "utf8"), "3");
    assert.equal(logs.size(file), undefined);
  });
});
