import { humanSize } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { filter, flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";
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
};

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filter('Provide filter values (e.g. "dangling=true")', "f", ["dangling", "driver", "label", "name"]),
    format: formatFlag,
    quiet: flag("Only display volume names", "q"),
  },
  async run(context, _args, { filter, format, quiet }) {
    const { volumes } = await context.engine();
    const found = ((await volumes.list(filter)).Volumes ?? []).toSorted((a, b) => naturally(a.Name, b.Name));
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
      },
    }));
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields.Name}\n`);
      return;
    }
    const columns = ["Driver", "Name"];
    await printListing(
      context.out,
      { typeName: "*formatter.volumeContext", headings, columns, rows },
      parseFormat(format || (quiet ? undefined : context.config().volumesFormat)),
    );
  },
});
