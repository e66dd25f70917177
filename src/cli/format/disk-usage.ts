import { humanDuration, humanSize } from "../../base/units.ts";
import type { DiskUsage } from "../../wire/types/system.ts";
import type { Output } from "../terminal/output.ts";
import { containerHeadings, containerRow } from "./container-row.ts";
import { imageHeadings, imageRows } from "./image-row.ts";
import { type Listing, printListing } from "./listing.ts";
import { naturally } from "./words.ts";

/** The four tables of `system df -v`. */
export async function printVerbose(out: Output, usage: DiskUsage, now: number): Promise<void> {
  const table = async (title: string, listing: Omit<Listing, "typeName">): Promise<void> => {
    out.write(`${title}\n\n`);
    await printListing(out, { typeName: "", ...listing }, { kind: "table" });
  };
  const images = usage.Images ?? [];
  await table("Images space usage:", {
    headings: imageHeadings,
    columns: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
    rows: images.flatMap((image) => imageRows(image, { truncate: true, digests: false, now })),
  });
  await table("\nContainers space usage:", {
    headings: containerHeadings,
    columns: ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
    rows: (usage.Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, true, now)),
  });
  await table("\nLocal Volumes space usage:", {
    headings: { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" },
    columns: ["Name", "Links", "Size"],
    rows: (usage.Volumes ?? [])
      .toSorted((a, b) => naturally(a.Name, b.Name))
      .map(({ Name, UsageData: used }) => ({
        fields: {
          Name,
          Links: used == null ? "N/A" : String(used.RefCount),
          Size: used == null ? "N/A" : humanSize(used.Size),
        },
      })),
  });
  const cache = usage.BuildCache ?? [];
  const total = cache.reduce((sum, entry) => sum + (entry.Shared ? 0 : entry.Size), 0);
  const ago = (moment: string): string => `${humanDuration(now - Date.parse(moment))} ago`;
  await table(`\nBuild cache usage: ${humanSize(total)}`, {
    headings: {
      ID: "CACHE ID",
      Type: "CACHE TYPE",
      Size: "SIZE",
      Created: "CREATED",
      LastUsed: "LAST USED",
      Usage: "USAGE",
      Shared: "SHARED",
    },
    columns: ["ID", "Type", "Size", "Created", "LastUsed", "Usage", "Shared"],
    rows: cache.map((entry) => ({
      fields: {
        ID: entry.InUse ? `${entry.ID.slice(0, 12)}*` : entry.ID.slice(0, 12),
        Type: entry.Type,
        Size: humanSize(entry.Size),
        Created: ago(entry.CreatedAt),
        LastUsed: entry.LastUsedAt === null ? "" : ago(entry.LastUsedAt),
        Usage: String(entry.UsageCount),
        Shared: String(entry.Shared),
      },
    })),
  });
}
