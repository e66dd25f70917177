import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";

export default command({
  usage: "CONTAINER NAME [NAME...]",
  about: "Remove snapshots of a container. They go by themselves when the container is removed.",
  args: atLeast(2),
  completes: ["container"],
  flags: {},
  async run(context, [container = "", ...names]) {
    const { snapshots } = await context.engine();
    return forEachName(context, names, (name) => snapshots.remove(container, name));
  },
});
