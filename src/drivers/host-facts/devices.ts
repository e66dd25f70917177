import fs from "node:fs";
import { GantryError } from "../../base/errors.ts";
import type { HostDevice } from "../../ports/host-facts.ts";

/** Folders of /dev that hold no devices to pass on: each container has its own. */
const LEFT_OUT = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);

const LIMIT = 10_000;

/** glibc's and the kernel's packing of st_rdev. */
const majorOf = (rdev: number): number =>
  Number(((BigInt(rdev) >> 8n) & 0xfffn) | ((BigInt(rdev) >> 32n) & 0xfffff000n));
const minorOf = (rdev: number): number => Number((BigInt(rdev) & 0xffn) | ((BigInt(rdev) >> 12n) & 0xffffff00n));

function deviceOf(path: string, stats: fs.Stats): HostDevice | undefined {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
  return {
    path,
    type: stats.isBlockDevice() ? "b" : "c",
    major: majorOf(stats.rdev),
    minor: minorOf(stats.rdev),
    fileMode: stats.mode & 0o777,
    uid: stats.uid,
    gid: stats.gid,
  };
}

/** The device at `path`, or every device below it. Throws invalid NO_SUCH_DEVICE. */
export function devicesAt(path: string): HostDevice[] {
  let stats: fs.Stats;
  try {
    stats = fs.statSync(path);
  } catch (cause) {
    throw notADevice(path, "no such file or directory", cause);
  }
  const single = deviceOf(path, stats);
  if (single) return [single];
  if (!stats.isDirectory()) throw notADevice(path, "not a device node");
  const found: HostDevice[] = [];
  collect(path, found);
  return found;
}

function collect(folder: string, found: HostDevice[]): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (found.length >= LIMIT) return;
    const path = `${folder.replace(/\/+$/, "")}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!LEFT_OUT.has(entry.name)) collect(path, found);
      continue;
    }
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
    const device = statOf(path);
    if (device) found.push(device);
  }
}

/** A device may be unplugged while /dev is read. */
function statOf(path: string): HostDevice | undefined {
  try {
    return deviceOf(path, fs.lstatSync(path));
  } catch {
    return undefined;
  }
}

const notADevice = (path: string, why: string, cause?: unknown): GantryError =>
  new GantryError(
    "invalid",
    "NO_SUCH_DEVICE",
    `error gathering device information while adding custom device "${path}": ${why}`,
    { cause },
  );
