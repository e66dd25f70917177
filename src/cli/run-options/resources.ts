import type { DeviceMapping, RestartPolicy, Ulimit } from "../../base/container-config.ts";
import { quote } from "../flags.ts";

const ULIMITS = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

/** `nofile=1024:2048`, `core=-1` */
export function ulimitOf(text: string): Ulimit {
  const at = text.indexOf("=");
  if (at === -1) throw new Error(`invalid ulimit argument: ${text}`);
  const name = text.slice(0, at);
  if (!ULIMITS.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const numbers = text.slice(at + 1).split(":");
  if (numbers.length > 2)
    throw new Error(`too many limit value arguments - ${text.slice(at + 1)}, can only have up to two, \`soft[:hard]\``);
  const [soft, hard] = numbers.map((number) => {
    if (!/^-?\d+$/.test(number)) throw new Error(`strconv.ParseInt: parsing ${quote(number)}: invalid syntax`);
    return Number(number);
  }) as [number, number?];
  if (hard !== undefined && hard !== -1 && soft > hard) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Soft: soft, Hard: hard ?? soft };
}

/** `/dev/a[:/dev/b][:rwm]` */
export function deviceOf(text: string): DeviceMapping {
  const parts = text.split(":");
  const isMode = (part: string): boolean => /^[rwm]{1,3}$/.test(part) && new Set(part).size === part.length;
  const bad = (): Error => new Error(`bad format for path: ${text}`);
  if (parts.length === 1 && !text.startsWith("/")) throw new Error(`${text} is not an absolute path`);
  if (parts.length > 3 || parts.includes("")) throw bad();
  const [host, second, third] = parts as [string, string?, string?];
  if (third !== undefined && !isMode(third)) throw new Error(`invalid device mode: ${third}`);
  const mapping = { PathOnHost: host, PathInContainer: host, CgroupPermissions: "rwm" };
  if (second !== undefined && third === undefined && isMode(second)) return { ...mapping, CgroupPermissions: second };
  if (second !== undefined && !second.startsWith("/")) throw new Error(`${second} is not an absolute path`);
  return { ...mapping, PathInContainer: second ?? host, CgroupPermissions: third ?? "rwm" };
}

/** `on-failure:3` */
export function restartOf(text: string): RestartPolicy {
  if (text === "") return {};
  const at = text.indexOf(":");
  const name = at === -1 ? text : text.slice(0, at);
  if (name === "") throw new Error("invalid restart policy format: no policy provided before colon");
  const count = at === -1 ? "" : text.slice(at + 1);
  if (count !== "" && !/^-?\d+$/.test(count)) {
    throw new Error("invalid restart policy format: maximum retry count must be an integer");
  }
  return { Name: name as RestartPolicy["Name"], MaximumRetryCount: Number(count || 0) };
}
