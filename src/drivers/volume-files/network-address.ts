import { isIpAddress } from "../../base/ip-address.ts";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { VolumeMountOptions } from "../../ports/volume-files.ts";

/** File systems of other hosts: the host that a device names. */
const HOSTS: Readonly<Record<string, RegExp>> = {
  nfs: /^\[?([^/[\]]+?)\]?:\//,
  nfs4: /^\[?([^/[\]]+?)\]?:\//,
  cifs: /^\/\/([^/]+)/,
  smb3: /^\/\/([^/]+)/,
};

export const isOfAnotherHost = (type: string): boolean => Object.hasOwn(HOSTS, type);

/**
 * The kernel wants the other host's numeric address in `addr=`: names are looked up here, and where only the device names
 * the host it is put there. Throws invalid VOLUME_MOUNT_FAILED.
 */
export async function withAddress(
  options: VolumeMountOptions,
  lookup: (name: string) => Promise<string>,
): Promise<VolumeMountOptions> {
  const { type, device, o = "" } = options;
  if (!isOfAnotherHost(type)) return options;
  const words = o.split(",").filter((word) => word !== "");
  const at = words.findIndex((word) => word.startsWith("addr="));
  const named = at >= 0 ? words[at]?.slice("addr=".length) : HOSTS[type]?.exec(device)?.[1];
  if (!named) return options;
  const address = `addr=${isIpAddress(named) ? named : await numeric(named, lookup)}`;
  return { ...options, o: (at >= 0 ? words.with(at, address) : [address, ...words]).join(",") };
}

async function numeric(name: string, lookup: (name: string) => Promise<string>): Promise<string> {
  try {
    return await lookup(name);
  } catch (cause) {
    const words = `error resolving passed in network volume address: lookup ${name}: ${messageOf(cause)}`;
    throw new GantryError("invalid", "VOLUME_MOUNT_FAILED", words, { cause, hint: `is ${name} the server's name?` });
  }
}
