import { humanSize } from "../../base/units.ts";
import type { DiskUsage } from "../../wire/types/system.ts";
import { command, noArgs } from "../command.ts";
import { flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing, type Row } from "../format/listing.ts";

const headings = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" };

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { format: formatFlag, verbose: flag("Show detailed information on space usage", "v") },
  async run(context, _args, { format, verbose }) {
    const { system } = await context.engine();
    const usage = await system.diskUsage();
    if (verbose) {
      const { printVerbose } = await import("../format/disk-usage.ts");
      await printVerbose(context.out, usage, parseFormat(format), Date.now());
      return;
    }
    const columns = ["Type", "TotalCount", "Active", "Size", "Reclaimable"];
    await printListing(
      context.out,
      { typeName: "*formatter.diskUsageContext", headings, columns, rows: summary(usage) },
      parseFormat(format),
    );
  },
});

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

function row(Type: string, total: number, active: number, size: number, free: number, percent: boolean): Row {
  const share = percent && size > 0 ? ` (${Math.trunc((free * 100) / size)}%)` : "";
  const fields = {
    Active: String(active),
    Reclaimable: humanSize(free) + share,
    Size: humanSize(size),
    TotalCount: String(total),
    Type,
  };
  return { fields };
}

function summary(usage: DiskUsage): Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = (usage.Volumes ?? []).filter((volume) => volume.UsageData != null);
  const cache = usage.BuildCache ?? [];
  const running = containers.filter(({ State }) => /^(running|paused|restarting)$/.test(State));
  const used = sum(
    images
      .filter((image) => image.Containers !== 0 && image.Size !== -1 && image.SharedSize !== -1)
      .map((image) => image.Size - image.SharedSize),
  );
  const containerSize = sum(containers.map((container) => container.SizeRw ?? 0));
  const volumeSize = sum(volumes.map((volume) => Math.max(0, volume.UsageData!.Size)));
  const cacheSize = sum(cache.filter((entry) => !entry.Shared).map((entry) => entry.Size));
  return [
    row(
      "Images",
      images.length,
      images.filter((image) => image.Containers > 0).length,
      usage.LayersSize,
      usage.LayersSize - used,
      true,
    ),
    row(
      "Containers",
      containers.length,
      running.length,
      containerSize,
      containerSize - sum(running.map((container) => container.SizeRw ?? 0)),
      true,
    ),
    row(
      "Local Volumes",
      volumes.length,
      volumes.filter((volume) => volume.UsageData!.RefCount > 0).length,
      volumeSize,
      sum(
        volumes
          .filter((volume) => volume.UsageData!.RefCount === 0)
          .map((volume) => Math.max(0, volume.UsageData!.Size)),
      ),
      true,
    ),
    row(
      "Build Cache",
      cache.length,
      cache.filter((entry) => entry.InUse).length,
      cacheSize,
      sum(cache.filter((entry) => !entry.InUse && !entry.Shared).map((entry) => entry.Size)),
      false,
    ),
  ];
}
