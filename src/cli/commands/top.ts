import { atLeast, command } from "../command.ts";
import { alignTabs } from "../format/table.ts";

export default command({
  usage: "CONTAINER [ps OPTIONS]",
  args: atLeast(1),
  completes: ["running container"],
  stopsAtArgument: true,
  flags: {},
  async run(context, [name = "", ...psArgs]) {
    const { containers } = await context.engine();
    const { Titles, Processes } = await containers.top(name, psArgs.join(" "));
    context.out.write(alignTabs([Titles, ...Processes].map((cells) => `${cells.join("\t")}\n`).join(""), 20));
  },
});
