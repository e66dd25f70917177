import { between, command } from "../command.ts";
import { Exit } from "../exit.ts";
import { filter, flag } from "../flags.ts";
import { imageHeadings, imageRows } from "../format/image-row.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing } from "../format/listing.ts";

export default command({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  examples: ["gantry images --filter dangling=true", "gantry images 'registry.example:5000/*'"],
  args: between(0, 1),
  completes: ["image"],
  flags: {
    all: flag("Show all images (default hides intermediate images)", "a"),
    digests: flag("Show digests"),
    filter: filter("Filter output based on conditions provided", "f", [
      "before",
      "dangling",
      "label",
      "reference",
      "since",
      "until",
    ]),
    format: formatFlag,
    "no-trunc": flag("Don't truncate output"),
    quiet: flag("Only show image IDs", "q"),
    tree: flag("List multi-platform images as a tree (EXPERIMENTAL)"),
  },
  async run(context, [repository], { all, digests, filter, format: wanted, quiet, tree, "no-trunc": whole }) {
    const { images } = await context.engine();
    const filters =
      repository === undefined ? filter : { ...filter, reference: [...(filter["reference"] ?? []), repository] };
    if (tree) {
      const [clash] = Object.entries({ quiet, "no-trunc": whole, digests, format: wanted }).filter(
        ([, given]) => given,
      );
      if (clash !== undefined) throw new Exit(1, `--${clash[0]} is not yet supported with --tree`);
      const { imageTree } = await import("../format/image-tree.ts");
      const shown = await images.list({ all, filters, manifests: true });
      context.out.write(imageTree(shown, context.out.isTTY ? (process.stdout.columns ?? 80) : Infinity));
      return;
    }
    const found = await images.list({ all, filters });
    const format = parseFormat(wanted || (quiet ? undefined : context.config().imagesFormat));
    const wantsDigest = digests || (format.kind !== "json" && /\.Digest\b/.test(format.template ?? ""));
    const now = Date.now();
    const rows = found.flatMap((image) => imageRows(image, { truncate: !whole, digests: wantsDigest, now }));
    if (quiet) {
      for (const { fields } of rows) context.out.write(`${fields["ID"]}\n`);
      return;
    }
    const columns = ["Repository", "Tag", ...(digests ? ["Digest"] : []), "ID", "CreatedSince", "Size"];
    await printListing(
      context.out,
      { typeName: "*formatter.imageContext", headings: imageHeadings, columns, rows },
      format,
    );
  },
});
