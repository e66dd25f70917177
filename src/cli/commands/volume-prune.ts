import { humanSize } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    all: flag("Remove all unused volumes, not just anonymous ones", "a"),
    filter: filter('Provide filter values (e.g. "label=<label>")', undefined, ["label", "label!"]),
    force: flag("Do not prompt for confirmation", "f"),
  },
  async run(context, _args, { all, filter, force }) {
    const engine = await context.engine();
    // Engines before 1.42 know no difference: all unused ones go.
    const selective = await engine.transport.atLeast(42);
    const what = all || !selective ? "all local volumes" : "anonymous local volumes";
    if (!force) await confirm(context, `WARNING! This will remove ${what} not used by at least one container.`);
    const filters = all && selective ? { ...filter, all: ["true"] } : filter;
    const { VolumesDeleted: gone, SpaceReclaimed: freed } = await engine.volumes.prune(filters);
    if (gone?.length) context.out.write(`Deleted Volumes:\n${gone.join("\n")}\n\n`);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});
