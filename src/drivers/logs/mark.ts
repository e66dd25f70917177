import fs from "node:fs";
import type { LogMark } from "../../ports/container-logs.ts";

/** Written in one go and of one length: a kill in between leaves the old one or the new one. */
const LENGTH = 512;

const fileOf = (path: string): string => `${path}.sent`;

export function readMark(path: string): LogMark | undefined {
  try {
    return JSON.parse(fs.readFileSync(fileOf(path), "utf8")) as LogMark;
  } catch {
    // None yet; or a power cut left half of one, and what is there is sent again.
    return undefined;
  }
}

export function writeMark(path: string, mark: LogMark): void {
  const fd = fs.openSync(fileOf(path), fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600);
  try {
    fs.writeSync(fd, JSON.stringify(mark).padEnd(LENGTH), 0);
  } finally {
    fs.closeSync(fd);
  }
}
