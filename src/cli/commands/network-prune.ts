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
    if (!force) {
      await confirm(context, "WARNING! This will remove all custom networks not used by at least one container.");
    }
    const { networks } = await context.engine();
    const { NetworksDeleted: gone } = await networks.prune(filter);
    if (gone?.length) context.out.write(`Deleted Networks:\n${gone.join("\n")}\n\n`);
  },
});
