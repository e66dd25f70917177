import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
  args: atLeast(1),
  completes: ["volume"],
  flags: { force: flag("Force the removal of one or more volumes", "f") },
  async run(context, names, { force }) {
    const { volumes } = await context.engine();
    return forEachName(context, names, (name) => volumes.remove(name, { force }));
  },
});
