import { humanSize } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag } from "../flags.ts";
import { deletedLines } from "../format/deleted-images.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    all: flag("Remove all unused images, not just dangling ones", "a"),
    filter: filter('Provide filter values (e.g. "until=<timestamp>")', undefined, ["label", "label!", "until"]),
    force: flag("Do not prompt for confirmation", "f"),
  },
  async run(context, _args, { all, filter, force }) {
    const what = all ? "all images without at least one container associated to them" : "all dangling images";
    if (!force) await confirm(context, `WARNING! This will remove ${what}.`);
    const { images } = await context.engine();
    const { ImagesDeleted: gone, SpaceReclaimed: freed } = await images.prune({ ...filter, dangling: [String(!all)] });
    if (gone?.length) context.out.write(`Deleted Images:\n${deletedLines(gone)}\n`);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});
