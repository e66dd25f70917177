import { humanSize, parseBytes } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag, value } from "../flags.ts";

export default command({
  usage: "",
  args: noArgs,
  flags: {
    all: flag("Remove all unused build cache, not just dangling ones", "a"),
    filter: filter('Provide filter values (e.g. "until=24h")', undefined, ["until"]),
    force: flag("Do not prompt for confirmation", "f"),
    "keep-storage": value<number | undefined>(
      "bytes",
      undefined,
      (text) => parseBytes(text),
      "Amount of disk space to keep for cache",
    ),
  },
  async run(context, _args, { all, filter, force, "keep-storage": keepBytes }) {
    if (!force) await confirm(context, `WARNING! This will remove all ${all ? "" : "dangling "}build cache.`);
    const { images } = await context.engine();
    const { CachesDeleted: gone, SpaceReclaimed: freed } = await images.pruneBuildCache({
      all,
      filters: filter,
      keepBytes,
    });
    if (gone?.length) context.out.write(`Deleted build cache objects:\n${gone.join("\n")}\n\n`);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});
