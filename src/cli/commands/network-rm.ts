import { atLeast, command } from "../command.ts";
import { describe } from "../errors.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "NETWORK [NETWORK...]",
  args: atLeast(1),
  completes: ["network"],
  flags: { force: flag("Do not error if the network does not exist", "f") },
  async run(context, names, { force }) {
    const { networks } = await context.engine();
    let status = 0;
    for (const name of names) {
      try {
        await networks.remove(name);
        context.out.write(`${name}\n`);
      } catch (error) {
        if (force && (error as { kind?: string }).kind === "notFound") continue;
        context.err.write(`${describe(error)}\n`);
        status = 1;
      }
    }
    if (status !== 0) context.err.write("exit status 1\n");
    return status;
  },
});
