import { command, noArgs } from "../command.ts";
import { filter, flag, integer } from "../flags.ts";
import { containerColumns, containerHeadings, containerRow } from "../format/container-row.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";

export default command({
  usage: "[OPTIONS]",
  examples: ["gantry ps -a --filter status=exited", "gantry ps --format 'table {{.Names}}\\t{{.Status}}'"],
  args: noArgs,
  flags: {
    all: flag("Show all containers (default shows just running)", "a"),
    filter: filter("Filter output based on conditions provided", "f", [
      "ancestor",
      "before",
      "expose",
      "exited",
      "health",
      "id",
      "is-task",
      "isolation",
      "label",
      "name",
      "network",
      "publish",
      "since",
      "status",
      "volume",
    ]),
    format: formatFlag,
    last: integer("Show n last created containers (includes all states)", "n", { shown: "-1" }),
    latest: flag("Show the latest created container (includes all states)", "l"),
    "no-trunc": flag("Don't truncate output"),
    quiet: flag("Only display container IDs", "q"),
    size: flag("Display total file sizes", "s"),
  },
  async run(context, _args, { all, filter, format: wanted, last, latest, quiet, size, "no-trunc": whole }) {
    const template = wanted || (quiet ? undefined : context.config().psFormat);
    const format = parseFormat(template);
    // A whole row by a template has its size, --format json has none: as docker has it.
    const wantsSize = size || /\.Size\b|json \. *\}\}/.test(template ?? "");
    const { containers } = await context.engine();
    const found = await containers.list({
      all,
      limit: last ?? (latest ? 1 : undefined),
      size: wantsSize && !quiet,
      filters: filter,
    });
    const now = Date.now();
    const rows = found.map((container) => containerRow(container, !whole, now));
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields["ID"]}\n`);
      return;
    }
    const columns = size ? [...containerColumns, "Size"] : containerColumns;
    await printListing(
      context.out,
      { typeName: "*formatter.ContainerContext", headings: containerHeadings, columns, rows },
      format,
    );
  },
});
