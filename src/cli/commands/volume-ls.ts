import { humanSize } from "../../base/units.ts";
import type { VolumeWithUsage } from "../../wire/types/volume-work.ts";
import type { Volume } from "../../wire/types/volumes.ts";
import { command, noArgs } from "../command.ts";
import { filter, flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";
import { usageFields } from "../format/volume-usage-row.ts";
import { labelsText, naturally } from "../format/words.ts";

const headings = {
  Name: "VOLUME NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  Mountpoint: "MOUNTPOINT",
  Labels: "LABELS",
  Links: "LINKS",
  Size: "SIZE",
  Availability: "AVAILABILITY",
  Group: "GROUP",
  Status: "STATUS",
  LastUsed: "LAST USED",
  UsedBy: "USED BY",
};

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filter('Provide filter values (e.g. "dangling=true")', "f", ["dangling", "driver", "label", "name"]),
    format: formatFlag,
    quiet: flag("Only display volume names", "q"),
    size: flag("Show sizes on disk, the largest first, the last use and the users", "s"),
  },
  async run(context, _args, { filter, format, quiet, size }) {
    const { volumes } = await context.engine();
    const found: (Volume & Partial<VolumeWithUsage>)[] = size
      ? (await volumes.listUsage(filter)).toSorted((a, b) => b.Usage.Size - a.Usage.Size || naturally(a.Name, b.Name))
      : ((await volumes.list(filter)).Volumes ?? []).toSorted((a, b) => naturally(a.Name, b.Name));
    const rows = found.map((volume) => ({
      labels: volume.Labels,
      fields: {
        Availability: "N/A",
        Driver: volume.Driver,
        Group: "N/A",
        Labels: labelsText(volume.Labels),
        Links: volume.UsageData == null ? "N/A" : String(volume.UsageData.RefCount),
        Mountpoint: volume.Mountpoint,
        Name: volume.Name,
        Scope: volume.Scope,
        Size: volume.UsageData == null ? "N/A" : humanSize(volume.UsageData.Size),
        Status: "N/A",
        ...(volume.Usage && usageFields(volume.Usage, Date.now())),
      },
    }));
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields.Name}\n`);
      return;
    }
    const columns = size ? ["Name", "Size", "LastUsed", "UsedBy"] : ["Driver", "Name"];
    await printListing(
      context.out,
      { typeName: "*formatter.volumeContext", headings, columns, rows },
      parseFormat(format || (quiet ? undefined : context.config().volumesFormat)),
    );
  },
});
