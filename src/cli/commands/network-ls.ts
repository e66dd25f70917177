import { command, noArgs } from "../command.ts";
import { filter, flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";
import { goTimeOf } from "../format/time.ts";
import { labelsText, naturally, shortId } from "../format/words.ts";

const headings = {
  ID: "NETWORK ID",
  Name: "NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
  CreatedAt: "CREATED AT",
};

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filter('Provide filter values (e.g. "driver=bridge")', "f", [
      "dangling",
      "driver",
      "id",
      "label",
      "name",
      "scope",
      "type",
    ]),
    format: formatFlag,
    "no-trunc": flag("Do not truncate the output"),
    quiet: flag("Only display network IDs", "q"),
  },
  async run(context, _args, { filter, format, quiet, "no-trunc": whole }) {
    const { networks } = await context.engine();
    const found = (await networks.list(filter)).toSorted((a, b) => naturally(a.Name, b.Name));
    const rows = found.map((network) => ({
      labels: network.Labels,
      fields: {
        CreatedAt: goTimeOf(network.Created),
        Driver: network.Driver,
        ID: whole ? network.Id : shortId(network.Id),
        IPv4: String(network.EnableIPv4 ?? false),
        IPv6: String(network.EnableIPv6),
        Internal: String(network.Internal),
        Labels: labelsText(network.Labels),
        Name: network.Name,
        Scope: network.Scope,
      },
    }));
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields.ID}\n`);
      return;
    }
    const columns = ["ID", "Name", "Driver", "Scope"];
    await printListing(
      context.out,
      { typeName: "*network.networkContext", headings, columns, rows },
      parseFormat(format || (quiet ? undefined : context.config().networksFormat)),
    );
  },
});
