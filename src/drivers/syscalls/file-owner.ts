import type { Owner } from "../../base/id-map.ts";
import { check, declare } from "./libc.ts";

const setfsuidNative = declare("int setfsuid(unsigned int uid)");
const setfsgidNative = declare("int setfsgid(unsigned int gid)");
const capgetNative = declare("int capget(const void *header, void *data)");
const capsetNative = declare("int capset(const void *header, const void *data)");

const CAPABILITY_VERSION_3 = 0x20080522;

/**
 * Runs `body` (synchronous) with files that the calling thread makes owned by these host ids, all its rights kept. A
 * mount made meanwhile works with these ids for as long as it lives.
 */
export function asFileOwner<T>({ uid, gid }: Owner, body: () => T): T {
  const home = { uid: setfsuidNative(uid), gid: setfsgidNative(gid) };
  try {
    raiseCapabilities(); // a file owner other than root loses those that concern files
    return body();
  } finally {
    setfsgidNative(home.gid);
    setfsuidNative(home.uid);
  }
}

/** All that are permitted become effective, in the calling thread. */
function raiseCapabilities(): void {
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  const sets = new Uint32Array(6); // effective, permitted, inheritable: the lower halves, then the upper ones
  check(capgetNative(header, sets), "capget");
  [sets[0], sets[3]] = [sets[1]!, sets[4]!];
  check(capsetNative(header, sets), "capset");
}
