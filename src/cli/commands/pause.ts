import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";

export default command({
  usage: "CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["running container"],
  flags: {},
  async run(context, names) {
    const { containers } = await context.engine();
    return forEachName(context, names, (name) => containers.pause(name), { parallel: true });
  },
});
