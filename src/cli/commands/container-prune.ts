import { humanSize } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    filter: filter('Provide filter values (e.g. "until=<timestamp>")', undefined, ["label", "label!", "until"]),
    force: flag("Do not prompt for confirmation", "f"),
  },
  async run(context, _args, { filter, force }) {
    if (!force) await confirm(context, "WARNING! This will remove all stopped containers.");
    const engine = await context.engine();
    const { ContainersDeleted: gone, SpaceReclaimed: freed } = await engine.containers.prune(filter);
    if (gone?.length) context.out.write(`Deleted Containers:\n${gone.join("\n")}\n\n`);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});
