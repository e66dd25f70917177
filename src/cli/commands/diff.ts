import { command, exactly } from "../command.ts";
import { Exit } from "../exit.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";

const LETTERS = ["C", "A", "D"] as const;

export default command({
  usage: "CONTAINER",
  args: exactly(1),
  completes: ["container"],
  flags: { format: { ...formatFlag, hidden: true } },
  async run(context, [name = ""], { format }) {
    if (name === "") throw new Exit(1, "Container name cannot be empty");
    const { containers } = await context.engine();
    const rows = ((await containers.changes(name)) ?? []).map(({ Path, Kind }) => ({
      fields: { Path, Type: LETTERS[Kind] },
    }));
    if (format === undefined) {
      context.out.write(rows.map(({ fields }) => `${fields.Type} ${fields.Path}\n`).join(""));
      return;
    }
    await printListing(
      context.out,
      {
        typeName: "*formatter.DiffContext",
        headings: { Type: "CHANGE TYPE", Path: "PATH" },
        columns: ["Type", "Path"],
        rows,
      },
      parseFormat(format),
    );
  },
});
