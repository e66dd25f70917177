import type { PathInfo } from "../../engine/containers/copies.ts";
import type { PathStat } from "../../wire/types/containers.ts";

/** Go's os.FileMode: types and special bits stand above the permission bits. */
const TYPE_BITS: Record<PathInfo["type"], number> = {
  file: 0,
  directory: 2 ** 31,
  link: 2 ** 27,
  block: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  char: 2 ** 26 + 2 ** 21,
};
const SPECIAL_BITS: [unix: number, go: number][] = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
];

export function goFileMode({ type, mode }: Pick<PathInfo, "type" | "mode">): number {
  const special = SPECIAL_BITS.reduce((sum, [unix, go]) => sum + ((mode & unix) === 0 ? 0 : go), 0);
  return TYPE_BITS[type] + special + (mode & 0o777);
}

/** RFC 3339 with as many digits of the second as it takes. */
function timeText(nanoseconds: bigint): string {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = new Date(Number((nanoseconds - rest) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** The value of X-Docker-Container-Path-Stat. */
export function pathStatHeader(info: PathInfo): string {
  const stat: PathStat = {
    name: info.name,
    size: info.size,
    mode: goFileMode(info),
    mtime: timeText(info.mtime),
    linkTarget: info.linkTarget,
  };
  return Buffer.from(JSON.stringify(stat)).toString("base64");
}
