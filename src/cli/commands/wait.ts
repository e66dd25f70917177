import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";

export default command({
  usage: "CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["container"],
  flags: {},
  async run(context, names) {
    const { containers } = await context.engine();
    return forEachName(context, names, async (name) => {
      const { exit } = await containers.wait(name);
      const { StatusCode, Error: error } = await exit;
      if (error != null && error.Message !== "") throw new Error(error.Message);
      return String(StatusCode);
    });
  },
});
