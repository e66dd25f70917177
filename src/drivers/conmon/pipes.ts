import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { errnoOf } from "../../base/errors.ts";

/** The next JSON line of conmon's pipe, or undefined when the pipe ends first. */
export function readJsonLine(pipe: Readable): Promise<Record<string, unknown> | undefined> {
  return new Promise((resolve, reject) => {
    let text = "";
    const settle = (body: () => void): void => {
      pipe.off("data", onData).off("end", onEnd).off("error", onError).pause();
      body();
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("utf8");
      const end = text.indexOf("\n");
      if (end < 0) return;
      const rest = text.slice(end + 1);
      settle(() => {
        // Two lines can come in one chunk; back only once nobody listens, or it would come straight here again.
        if (rest !== "") pipe.unshift(Buffer.from(rest));
        try {
          resolve(JSON.parse(text.slice(0, end)) as Record<string, unknown>);
        } catch (error) {
          reject(error as Error);
        }
      });
    };
    const onEnd = (): void => settle(() => resolve(undefined));
    const onError = (error: Error): void => settle(() => reject(error));
    pipe.on("data", onData).once("end", onEnd).once("error", onError).resume();
  });
}

/** conmon's control FIFO. A monitor that is gone needs no word: opening then fails with ENXIO or ENOENT. */
export function writeControl(folder: string, message: string): void {
  let fd: number;
  try {
    fd = fs.openSync(path.join(folder, "ctl"), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (["ENXIO", "ENOENT"].includes(errnoOf(error) ?? "")) return;
    throw error;
  }
  try {
    fs.writeSync(fd, message);
  } finally {
    fs.closeSync(fd);
  }
}
