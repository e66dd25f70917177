import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";
import { integer, text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  flags: {
    signal: text("Signal to send to the container", "s"),
    timeout: integer("Seconds to wait before killing the container", "t"),
    time: integer("Seconds to wait before killing the container", undefined, { hidden: true }),
  },
  async run(context, names, { signal, timeout, time }) {
    const { containers } = await context.engine();
    const options = { signal, timeout: timeout ?? time };
    return forEachName(
      context,
      names,
      async (name) => {
        await containers.stop(name, options);
      },
      { parallel: true },
    );
  },
});
