import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import zlib from "node:zlib";
import type { LogKeeping } from "../../src/base/logging/keeping.ts";
import { K8sLogs } from "../../src/drivers/logs/k8s-log.ts";
import type { LogPlace } from "../../src/ports/container-logs.ts";
import { until } from "../support/until.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-log-files-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

const keeping = (more: Partial<LogKeeping> = {}): LogKeeping => ({
  maxSize: 1_000_000,
  maxFiles: 4,
  compress: true,
  readable: true,
  ...more,
});

/** A log whose lines are numbers, each with a time of its own. */
class Log {
  readonly logs = new K8sLogs();
  readonly path: string;
  private count = 0;

  constructor(name: string) {
    this.path = path.join(folder, name);
  }

  write(lines: number): void {
    let text = "";
    for (let n = 0; n < lines; n++, this.count++) {
      const nanos = String(this.count).padStart(9, "0");
      text += `2026-01-02T03:04:05.${nanos}+00:00 stdout F ${this.count}\n`;
    }
    fs.appendFileSync(this.path, text);
  }

  /** As the engine and the monitor do it. */
  async rotate(how: LogKeeping): Promise<void> {
    this.logs.rotate(this.path, how);
    fs.writeFileSync(this.path, "");
    await this.logs.settle(this.path, how);
  }

  get files(): string[] {
    const name = path.basename(this.path);
    return fs
      .readdirSync(folder)
      .filter((file) => file.startsWith(name))
      .map((file) => file.slice(name.length))
      .toSorted();
  }

  async read(query: Parameters<K8sLogs["read"]>[1] = {}): Promise<number[]> {
    const numbers: number[] = [];
    for await (const { data } of this.logs.read(this.path, query)) numbers.push(Number(data));
    return numbers;
  }
}

const upTo = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, n) => from + n);

describe("a log's files", () => {
  it("are compressed when they are old, and read as before", async () => {
    const log = new Log("packed");
    for (let n = 0; n < 3; n++) {
      log.write(10);
      await log.rotate(keeping());
    }
    log.write(10);
    assert.deepEqual(log.files, ["", ".1.gz", ".2.gz", ".3.gz"]);
    assert.match(zlib.gunzipSync(fs.readFileSync(`${log.path}.3.gz`)).toString(), /stdout F 0\n/);
    assert.deepEqual(await log.read(), upTo(0, 40));
    assert.deepEqual(await log.read({ tail: 25 }), upTo(15, 40));
    assert.deepEqual(await log.read({ tail: 0 }), []);
    assert.deepEqual(log.files, ["", ".1.gz", ".2.gz", ".3.gz"]);
    await log.rotate(keeping());
    assert.deepEqual(await log.read(), upTo(10, 40));
  });

  it("are one where one is asked for", async () => {
    const log = new Log("single");
    log.write(10);
    await log.rotate(keeping({ maxFiles: 1, compress: false }));
    log.write(2);
    assert.deepEqual(log.files, [""]);
    assert.deepEqual(await log.read(), [10, 11]);
  });

  it("are together no more than was asked for, though one is", async () => {
    const log = new Log("bounded");
    const how = keeping({ maxSize: 10_000, maxFiles: 3, compress: false });
    log.write(100);
    await log.rotate(how);
    log.write(300); // a flood between two looks
    await log.rotate(how);
    log.write(1);
    assert.deepEqual(log.files, ["", ".1", ".2"]);
    log.write(400_000); // nobody rotated for a while
    await log.rotate(how);
    log.write(1);
    assert.deepEqual(log.files, ["", ".1"]);
    assert.ok(fs.statSync(`${log.path}.1`).size <= 20_000);
    const kept = await log.read();
    assert.ok(kept.length > 300, String(kept.length));
    assert.deepEqual(kept, upTo(400_402 - kept.length, 400_402));
  });

  it("stay whole when a kill leaves half of a compressed one", async () => {
    const log = new Log("half");
    log.write(10);
    log.logs.rotate(log.path, keeping());
    fs.writeFileSync(`${log.path}.made`, "half");
    fs.copyFileSync(`${log.path}.1`, `${log.path}.1.gz`); // complete, but the plain one is still there
    fs.writeFileSync(log.path, "");
    assert.deepEqual(await log.read(), upTo(0, 10));
    await log.logs.settle(log.path, keeping());
    assert.deepEqual(log.files, ["", ".1.gz"]);
    assert.deepEqual(await log.read(), upTo(0, 10));
  });

  it("are all followed, also when several are rotated between two looks", async () => {
    const log = new Log("followed");
    const seen: number[] = [];
    const stop = new AbortController();
    log.write(5);
    const following = (async () => {
      for await (const { data } of log.logs.read(log.path, { follow: true, signal: stop.signal })) {
        seen.push(Number(data));
      }
    })();
    await until(() => seen.length === 5, { what: "the first lines" });
    for (let n = 0; n < 3; n++) {
      log.write(5);
      log.logs.rotate(log.path, keeping());
      fs.writeFileSync(log.path, "");
    }
    log.write(5);
    await log.logs.settle(log.path, keeping());
    await until(() => seen.length === 25, { what: "all lines" });
    stop.abort();
    await following;
    assert.deepEqual(seen, upTo(0, 25));
  });

  it("are read to the end though the reader began before the monitor", async () => {
    const log = new Log("early");
    const seen: number[] = [];
    let ended = false;
    let wake = (): void => {};
    const query = { ended: () => ended, onEnd: (call: () => void) => ((wake = call), () => {}) };
    const reading = (async () => {
      for await (const batch of log.logs.readOn(log.path, undefined, query)) {
        seen.push(...batch.map(({ data }) => Number(data)));
      }
    })();
    log.write(3);
    await until(() => seen.length === 3, { what: "the lines" });
    log.write(1);
    ended = true;
    wake();
    await reading;
    assert.deepEqual(seen, upTo(0, 4));
  });
});

describe("a place in a log", () => {
  const rest = async (log: Log, from: LogPlace | undefined): Promise<{ numbers: number[]; places: LogPlace[] }> => {
    const numbers: number[] = [];
    const places: LogPlace[] = [];
    for await (const batch of log.logs.readOn(log.path, from, { ended: () => true })) {
      for (const { data, place } of batch) {
        numbers.push(Number(data));
        places.push(place);
      }
    }
    return { numbers, places };
  };

  it("is found again in the same file, and after a rotation, compressed or not", async () => {
    const log = new Log("placed");
    log.write(10);
    const { places } = await rest(log, undefined);
    assert.deepEqual((await rest(log, places[3])).numbers, upTo(4, 10));
    await log.rotate(keeping({ compress: false }));
    log.write(10);
    assert.deepEqual((await rest(log, places[3])).numbers, upTo(4, 20));
    await log.rotate(keeping());
    log.write(1);
    assert.deepEqual(log.files, ["", ".1.gz", ".2.gz"]);
    assert.deepEqual((await rest(log, places[3])).numbers, upTo(4, 21));
  });

  it("is the next line that is still there when its file is gone or was cut", async () => {
    const log = new Log("gone");
    const how = keeping({ maxSize: 10_000, maxFiles: 2, compress: false });
    log.write(400_000);
    const { places } = await rest(log, undefined);
    log.logs.rotate(log.path, how);
    fs.writeFileSync(log.path, "");
    await log.logs.settle(log.path, how);
    const kept = await log.read();
    assert.ok((kept[0] ?? 0) > 399_000);
    assert.deepEqual((await rest(log, places[10])).numbers, kept);
    // the line itself may come once more: others may have its time
    assert.deepEqual((await rest(log, places[399_990])).numbers, upTo(399_990, 400_000));
  });

  it("is kept beside the log", () => {
    const log = new Log("marked");
    assert.equal(log.logs.mark(log.path), undefined);
    const mark = { place: { file: "f", offset: 5, time: "t" }, open: { stdout: { id: "i", ordinal: 3 } } };
    log.logs.setMark(log.path, mark);
    log.logs.setMark(log.path, { ...mark, open: {} });
    assert.deepEqual(log.logs.mark(log.path), { ...mark, open: {} });
    fs.truncateSync(`${log.path}.sent`, 7);
    assert.equal(log.logs.mark(log.path), undefined);
  });
});
