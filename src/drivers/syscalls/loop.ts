import { errnoOf } from "../../base/errors.ts";
import { O } from "./files.ts";
import { check, closeFd, declare, openFd } from "./libc.ts";

const ioctlNumber = declare("int ioctl(int fd, unsigned long request, long argument)");
const ioctlBytes = declare("int ioctl(int fd, unsigned long request, void *argument)");

// <linux/loop.h>
const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const CONFIG_BYTES = 304;
const FLAGS_AT = 60;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const TRIES = 20;

/**
 * A loop device over a file. It goes by itself when nothing uses it any more: once it is mounted, `close` what holds it
 * until then. Needs Linux 5.8.
 */
export function attachLoop(file: string, readOnly: boolean): { device: string; close(): void } {
  const access = readOnly ? O.RDONLY : O.RDWR;
  const backing = openFd(file, access);
  try {
    const control = openFd("/dev/loop-control", O.RDWR);
    try {
      return attach(control, backing, access);
    } finally {
      closeFd(control);
    }
  } finally {
    closeFd(backing);
  }
}

function attach(control: number, backing: number, access: number): { device: string; close(): void } {
  const config = Buffer.alloc(CONFIG_BYTES);
  config.writeUInt32LE(backing, 0);
  config.writeUInt32LE(LO_FLAGS_AUTOCLEAR | (access === O.RDONLY ? LO_FLAGS_READ_ONLY : 0), FLAGS_AT);
  for (let tries = 1; ; tries++) {
    const device = `/dev/loop${check(ioctlNumber(control, LOOP_CTL_GET_FREE, 0), "ioctl", "/dev/loop-control")}`;
    const fd = openFd(device, access);
    try {
      check(ioctlBytes(fd, LOOP_CONFIGURE, config), "ioctl", device);
      return { device, close: () => closeFd(fd) };
    } catch (error) {
      closeFd(fd);
      // somebody else was quicker
      if (errnoOf(error) !== "EBUSY" || tries === TRIES) throw error;
    }
  }
}
