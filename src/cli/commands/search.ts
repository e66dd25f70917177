import { command, exactly } from "../command.ts";
import { credentialsFor } from "../credentials.ts";
import { filter, flag, integer, text } from "../flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";
import { ellipsis } from "../format/words.ts";

const headings = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
};

export default command({
  usage: "[OPTIONS] TERM",
  args: exactly(1),
  completes: [[]],
  flags: {
    filter: filter("Filter output based on conditions provided", "f", ["is-official", "stars"]),
    format: text("Pretty-print search using a Go template"),
    limit: integer("Max number of search results"),
    "no-trunc": flag("Don't truncate output"),
  },
  async run(context, [term = ""], { filter, format, limit, "no-trunc": whole }) {
    const { images } = await context.engine();
    const auth = await credentialsFor(context, registryOf(term));
    const found = await images.search(term, { limit, filters: filter, auth });
    const rows = found.map((result) => {
      const description = result.description.replaceAll("\n", " ").replaceAll("\r", " ");
      return {
        fields: {
          Description: whole ? description : ellipsis(description, 45),
          IsOfficial: String(result.is_official),
          Name: result.name,
          StarCount: String(result.star_count),
        },
      };
    });
    const plain = parseFormat(format);
    // But in JSON a sign stands for yes.
    if (plain.kind !== "json") {
      for (const { fields } of rows) fields.IsOfficial = fields.IsOfficial === "true" ? "[OK]" : "";
    }
    const columns = ["Name", "Description", "StarCount", "IsOfficial"];
    await printListing(context.out, { typeName: "*registry.searchContext", headings, columns, rows }, plain);
  },
});

/** "ghcr.io/words" asks another registry than Docker Hub. */
const registryOf = (term: string): string => /^([^/]+[.:][^/]*|localhost)\//.exec(term)?.[1] ?? "docker.io";
