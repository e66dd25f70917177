import { humanDuration, humanSize } from "../../base/units.ts";
import type { VolumeWithUsage } from "../../wire/types/volume-work.ts";

/** What `volume ls -s` knows beyond the plain list. */
export function usageFields(
  { Size, LastUsed, UsedBy }: VolumeWithUsage["Usage"],
  now: number,
): Record<"Size" | "Links" | "LastUsed" | "UsedBy", string> {
  const active = UsedBy.filter((user) => user.Active);
  const down = UsedBy.filter((user) => !user.Active);
  return {
    Size: Size < 0 ? "N/A" : humanSize(Size),
    Links: String(UsedBy.length),
    LastUsed: active.length > 0 ? "in use" : LastUsed === undefined ? "never" : ago(LastUsed, now),
    UsedBy: [...active.map((user) => user.Name), ...down.map((user) => `${user.Name} (stopped)`)].join(", "),
  };
}

const ago = (stamp: string, now: number): string => `${humanDuration(now - Date.parse(stamp))} ago`;
