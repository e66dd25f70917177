import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { parseAddress } from "../../base/ip-address.ts";
import { isLinkName } from "../../base/link-name.ts";

const NAME = "com.docker.network.endpoint.ifname";
const SETTINGS = "com.docker.network.endpoint.sysctls";

const RESERVED = new Set(["lo", ".", "..", "all", "default"]);

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_ENDPOINT", message);

/** What a user may say of a container's end of a cable besides its address. */
export interface EndpointOptions {
  /** The link's name in place of eth0, eth1 …. */
  name?: string;
  /** Further addresses. */
  linkLocal: string[];
  /** As `PlugSpec.settings`, for a link of that name. */
  settings: (link: string) => Record<string, string>;
}

/** Throws invalid BAD_ENDPOINT. */
export function readEndpointOptions({ DriverOpts, IPAMConfig }: EndpointSettings): EndpointOptions {
  const linkLocal = IPAMConfig?.LinkLocalIPs ?? [];
  for (const address of linkLocal) {
    if (parseAddress(address) === undefined) throw bad(`invalid link-local IP address: ${address}`);
  }
  const name = DriverOpts?.[NAME];
  if (name !== undefined && (!isLinkName(name) || RESERVED.has(name))) {
    throw bad(`invalid interface name ${JSON.stringify(name)}: at most 15 of [a-zA-Z0-9_.-]`);
  }
  const settings = (DriverOpts?.[SETTINGS] ?? "").split(",").filter(Boolean).map(readSetting);
  return {
    ...(name === undefined ? {} : { name }),
    linkLocal,
    settings: (link) =>
      Object.fromEntries(settings.map(([before, after, value]) => [`${before}/${link}/${after}`, value])),
  };
}

/** `net.ipv4.conf.IFNAME.log_martians=1` → what is before the name, what is behind it, the value. */
function readSetting(text: string): [string, string, string] {
  const [, before, after, value] = /^net\.((?:ipv4|ipv6|mpls)\.[a-z]+)\.IFNAME\.([a-z_]+)=(\S+)$/.exec(text) ?? [];
  if (before === undefined || after === undefined || value === undefined) {
    throw bad(
      `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );
  }
  return [before.replace(".", "/"), after, value];
}
