import { humanSize, parseBytes } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag, value } from "../flags.ts";

const size = (usage: string) => value<number | undefined>("bytes", undefined, (text) => parseBytes(text), usage);

export default command({
  usage: "",
  args: noArgs,
  flags: {
    all: flag("Remove all unused build cache, not just dangling ones", "a"),
    filter: filter('Provide filter values (e.g. "until=24h")', undefined, [
      ...["until", "unused-for", "id", "type", "description", "parents", "inuse", "shared", "private"],
    ]),
    force: flag("Do not prompt for confirmation", "f"),
    "keep-storage": size("Amount of disk space to keep for cache"),
    "max-used-space": size("Maximum amount of disk space allowed to keep for cache"),
    "min-free-space": size("Target amount of free disk space after pruning"),
    "reserved-space": size("Amount of disk space always allowed to keep for cache"),
  },
  async run(context, _args, { all, filter, force, ...sizes }) {
    if (!force) await confirm(context, `WARNING! This will remove all ${all ? "" : "dangling "}build cache.`);
    const { images } = await context.engine();
    const { CachesDeleted: gone, SpaceReclaimed: freed } = await images.pruneBuildCache({
      all,
      filters: filter,
      keepBytes: sizes["reserved-space"] ?? sizes["keep-storage"],
      mostBytes: sizes["max-used-space"],
      freeBytes: sizes["min-free-space"],
    });
    if (gone?.length) context.out.write(`Deleted build cache objects:\n${gone.join("\n")}\n\n`);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});
