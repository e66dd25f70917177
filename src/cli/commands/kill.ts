import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";
import { text } from "../flags.ts";
import { SIGNALS } from "../run-options/known-words.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["running container"],
  flags: { signal: text("Signal to send to the container", "s", { completes: SIGNALS }) },
  async run(context, names, { signal }) {
    const { containers } = await context.engine();
    return forEachName(context, names, (name) => containers.kill(name, signal), { parallel: true });
  },
});
