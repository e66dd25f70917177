import { humanDuration, humanSize } from "../../base/units.ts";
import { between, command } from "../command.ts";
import { flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";

const headings = {
  Container: "CONTAINER",
  Name: "SNAPSHOT",
  Created: "CREATED",
  Size: "SIZE",
  Volumes: "VOLUMES",
};

export default command({
  usage: "[OPTIONS] [CONTAINER]",
  args: between(0, 1),
  completes: ["container"],
  flags: { format: formatFlag, quiet: flag("Only display names", "q") },
  async run(context, [container], { format, quiet }) {
    const { snapshots } = await context.engine();
    const found = await snapshots.list(container);
    if (quiet) {
      for (const { Name } of found) context.out.write(`${Name}\n`);
      return;
    }
    const rows = found.map(({ ContainerName, Name, Created, Size, Volumes }) => ({
      fields: {
        Container: ContainerName,
        Name,
        Created: `${humanDuration(Date.now() - Date.parse(Created))} ago`,
        Size: humanSize(Size),
        Volumes: Volumes.map((volume) => volume.Destination).join(", "),
      },
    }));
    const listing = { typeName: "*formatter.snapshotContext", headings, columns: Object.keys(headings), rows };
    await printListing(context.out, listing, parseFormat(format));
  },
});
