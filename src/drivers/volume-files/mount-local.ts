import dns from "node:dns/promises";
import fs from "node:fs";
import { getSystemErrorMap } from "node:util";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import { Slots } from "../../base/slots.ts";
import type { VolumeMountOptions } from "../../ports/volume-files.ts";
import { mountInBackground } from "../syscalls/background.ts";
import { attachLoop } from "../syscalls/loop.ts";
import { MS, mount } from "../syscalls/mount.ts";
import { type MountWords, readMountOptions } from "./mount-flags.ts";
import { isOfAnotherHost, withAddress } from "./network-address.ts";

/** Mounts that wait for other hosts hold threads that everything else needs too. */
const REMOTE_AT_ONCE = 2;

/** Mounts for volumes of the local driver with options. */
export class LocalMounter {
  private readonly remote = new Slots(REMOTE_AT_ONCE);

  /** Throws invalid VOLUME_MOUNT_FAILED; what is half done is the caller's to unmount. */
  async mount(folder: string, options: VolumeMountOptions): Promise<void> {
    const { type, device, o = "" } = await withAddress(options, async (name) => (await dns.lookup(name)).address);
    const words = readMountOptions(o);
    const work = (): Promise<void> => mountOnce(folder, { type, device }, words);
    try {
      if (isOfAnotherHost(type)) await this.remote.run(new AbortController().signal, work);
      else await work();
    } catch (cause) {
      throw failure(folder, { type, device }, words, cause);
    }
  }
}

interface What {
  type: string;
  device: string;
}

async function mountOnce(folder: string, { type, device }: What, { flags, propagation, data }: MountWords) {
  const bind = (flags & MS.BIND) !== 0;
  const loop = !bind && isImageFile(type, device) ? attachLoop(device, (flags & MS.RDONLY) !== 0) : undefined;
  try {
    await mountInBackground(loop?.device ?? device, folder, bind ? "" : type, flags, data);
  } finally {
    loop?.close();
  }
  // a bind takes its flags only in a second step
  if (bind && (flags & ~(MS.BIND | MS.REC)) !== 0) mount("", folder, "", flags | MS.REMOUNT);
  if (propagation !== undefined) mount("", folder, "", propagation);
}

/** A disk's image in a file, as mount(8) would take it with `loop`. */
function isImageFile(type: string, device: string): boolean {
  return kernelTypes().get(type) === "device" && (fs.statSync(device, { throwIfNoEntry: false })?.isFile() ?? false);
}

/** The file systems of this kernel, and whether they lie on a device. */
function kernelTypes(): Map<string, "device" | "nodev"> {
  const lines = fs.readFileSync("/proc/filesystems", "utf8").split("\n");
  return new Map(
    lines.filter(Boolean).map((line) => {
      const [word = "", type = ""] = line.split("\t");
      return [type, word === "nodev" ? "nodev" : "device"];
    }),
  );
}

/** In Docker's words, with what the kernel lacks. Passwords are no reader's business. */
function failure(folder: string, { type, device }: What, { flags, data }: MountWords, cause: unknown): GantryError {
  const parts = [`mount ${device}:${folder}`];
  if (flags !== 0) parts.push(`flags: 0x${flags.toString(16)}`);
  if (data !== "") parts.push(`data: ${data.replace(/((?:^|,)(?:pass|password)=)[^,]*/g, "$1********")}`);
  const lacks = errnoOf(cause) === "ENODEV" && !kernelTypes().has(type);
  const why = kernelWords(cause) + (lacks ? ` (this kernel has no file system ${JSON.stringify(type)})` : "");
  return new GantryError(
    "invalid",
    "VOLUME_MOUNT_FAILED",
    `error while mounting volume '${folder}': failed to mount local volume: ${parts.join(", ")}: ${why}`,
    { cause, hint: lacks ? lackingHint(type) : (HINTS[errnoOf(cause) ?? ""] ?? "check the volume's options") },
  );
}

const lackingHint = (type: string): string =>
  `load it with "modprobe ${type}", or mount it by other means and give the volume type=none, o=bind, device=/the/folder`;

const HINTS: Readonly<Record<string, string>> = {
  EINVAL: "an option is unknown to the file system or missing; dmesg may say which",
  ENOENT: "there is no such device or folder",
  ECONNREFUSED: "no server listens at that address",
  ETIMEDOUT: "the server does not answer",
  EPROTONOSUPPORT: "the server does not serve this version: try another nfsvers=",
  EACCES: "the server does not let this host in, or has no such export",
  EPERM: "the server does not let this host in",
};

/** The reason of a failed system call in the C library's words, as Docker and others give it. */
const kernelWords = (error: unknown): string =>
  [...getSystemErrorMap().values()].find(([code]) => code === errnoOf(error))?.[1] ?? messageOf(error);
