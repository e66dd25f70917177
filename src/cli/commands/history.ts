import { humanDuration, humanSizeWithPrecision } from "../../base/units.ts";
import { command, exactly } from "../command.ts";
import { flag, flagOn } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { platformFlag, platformJson } from "../platforms.ts";
import { parseFormat, printListing } from "../format/listing.ts";
import { rfc3339 } from "../format/time.ts";
import { ellipsis, shortId } from "../format/words.ts";

export default command({
  usage: "[OPTIONS] IMAGE",
  args: exactly(1),
  completes: ["image"],
  flags: {
    format: formatFlag,
    human: flagOn("Print sizes and dates in human readable format", "H"),
    "no-trunc": flag("Don't truncate output"),
    platform: platformFlag("Show history for the given platform"),
    quiet: flag("Only show image IDs", "q"),
  },
  async run(context, [name = ""], { format, human, platform, quiet, "no-trunc": whole }) {
    const { images } = await context.engine();
    const now = Date.now();
    const rows = (await images.history(name, { platform: platformJson(platform) })).map((layer) => {
      const createdBy = layer.CreatedBy.replaceAll("\t", " ");
      const createdAt = rfc3339(layer.Created * 1000);
      const since = layer.Created <= -62135596800 ? "" : `${humanDuration(now - layer.Created * 1000)} ago`;
      return {
        fields: {
          Comment: layer.Comment,
          CreatedAt: createdAt,
          CreatedBy: whole ? createdBy : ellipsis(createdBy, 45),
          CreatedSince: human ? since : createdAt,
          ID: whole ? layer.Id : shortId(layer.Id),
          Size: human ? humanSizeWithPrecision(layer.Size, 3) : String(layer.Size),
        },
      };
    });
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields.ID}\n`);
      return;
    }
    const headings = {
      ID: "IMAGE",
      CreatedSince: human ? "CREATED" : "CREATED AT",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    };
    const columns = ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"];
    await printListing(
      context.out,
      { typeName: "*formatter.historyContext", headings, columns, rows },
      parseFormat(format),
    );
  },
});
