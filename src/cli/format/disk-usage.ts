import { humanDuration, humanSize } from "../../base/units.ts";
import type { BuildCacheRecord } from "../../wire/types/images.ts";
import type { DiskUsage } from "../../wire/types/system.ts";
import type { Output } from "../terminal/output.ts";
import { containerHeadings, containerRow } from "./container-row.ts";
import { imageHeadings, imageRows } from "./image-row.ts";
import { Exit } from "../exit.ts";
import { goJson } from "./json.ts";
import { attempt, type Format, type Listing, printListing, type Row } from "./listing.ts";
import { goTimeOf } from "./time.ts";
import { labelsText, naturally } from "./words.ts";

interface Parts {
  Images: Row[];
  Containers: Row[];
  Volumes: Row[];
  BuildCache: Row[];
}

/** `system df -v`: four tables, or one object with four lists for a template. */
export async function printVerbose(out: Output, usage: DiskUsage, format: Format, now: number): Promise<void> {
  const table = format.kind === "table";
  if (table && format.template !== undefined) throw new Exit(1, "the verbose and the table format options conflict");
  const parts = partsOf(usage, table, now);
  if (table) {
    await printTables(out, parts, usage);
    return;
  }
  const data = Object.fromEntries(
    Object.entries(parts as unknown as Record<string, Row[]>).map(([name, rows]) => [
      name,
      rows.map((row) => row.fields),
    ]),
  );
  if (format.kind === "json") {
    out.write(goJson(data));
    return;
  }
  const { compileTemplate } = await import("../../base/go-template/index.ts");
  const render = attempt(() => compileTemplate(format.template), "template parsing error");
  out.write(attempt(() => render(data), "failed to execute template"));
}

function partsOf(usage: DiskUsage, short: boolean, now: number): Parts {
  const ago = (moment: string): string => `${humanDuration(now - Date.parse(moment))} ago`;
  return {
    // An image counts once, whatever names it has.
    Images: (usage.Images ?? []).flatMap((image) =>
      imageRows(image, { truncate: short, digests: false, now })
        .slice(0, 1)
        .map(({ fields }) => ({ fields: { ...fields, Digest: "" } })),
    ),
    Containers: (usage.Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, short, now)),
    Volumes: (usage.Volumes ?? [])
      .toSorted((a, b) => naturally(a.Name, b.Name))
      .map(({ Name, Driver, Labels, Mountpoint, Scope, UsageData: used }) => ({
        labels: Labels,
        fields: {
          Availability: "N/A",
          Driver,
          Group: "N/A",
          Labels: labelsText(Labels),
          Links: used == null ? "N/A" : String(used.RefCount),
          Mountpoint,
          Name,
          Scope,
          Size: used == null ? "N/A" : humanSize(used.Size),
          Status: "N/A",
        },
      })),
    BuildCache: (usage.BuildCache ?? []).toSorted(leastRecent).map((entry) => ({
      fields: {
        CacheType: entry.Type,
        CreatedAt: goTimeOf(entry.CreatedAt),
        CreatedSince: ago(entry.CreatedAt),
        Description: entry.Description,
        ID: `${short ? entry.ID.slice(0, 12) : entry.ID}${entry.InUse ? "*" : ""}`,
        InUse: String(entry.InUse),
        LastUsedAt: entry.LastUsedAt === null ? "" : goTimeOf(entry.LastUsedAt),
        LastUsedSince: entry.LastUsedAt === null ? "" : ago(entry.LastUsedAt),
        Parent: entry.Parents?.join(", ") ?? "",
        Shared: String(entry.Shared),
        Size: humanSize(entry.Size),
        UsageCount: String(entry.UsageCount),
      },
    })),
  };
}

/** What was never used comes first, then what was not used for longest. */
function leastRecent(a: BuildCacheRecord, b: BuildCacheRecord): number {
  const used = (entry: BuildCacheRecord): number =>
    entry.LastUsedAt === null ? -Infinity : Date.parse(entry.LastUsedAt);
  if (used(a) !== used(b)) return used(a) - used(b);
  return a.ID < b.ID ? -1 : 1;
}

async function printTables(out: Output, parts: Parts, usage: DiskUsage): Promise<void> {
  const table = async (
    title: string,
    listing: Omit<Listing, "typeName" | "columns"> & { columns?: string[] },
  ): Promise<void> => {
    out.write(`${title}\n\n`);
    await printListing(out, { typeName: "", columns: Object.keys(listing.headings), ...listing }, { kind: "table" });
  };
  await table("Images space usage:", {
    headings: imageHeadings,
    columns: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
    rows: parts.Images,
  });
  await table("\nContainers space usage:", {
    headings: containerHeadings,
    columns: ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
    rows: parts.Containers,
  });
  await table("\nLocal Volumes space usage:", {
    headings: { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" },
    rows: parts.Volumes,
  });
  const total = (usage.BuildCache ?? []).reduce((sum, entry) => sum + (entry.Shared ? 0 : entry.Size), 0);
  await table(`\nBuild cache usage: ${humanSize(total)}`, {
    headings: {
      ID: "CACHE ID",
      CacheType: "CACHE TYPE",
      Size: "SIZE",
      CreatedSince: "CREATED",
      LastUsedSince: "LAST USED",
      UsageCount: "USAGE",
      Shared: "SHARED",
    },
    rows: parts.BuildCache,
  });
}
