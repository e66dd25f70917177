import { command, exactly } from "../command.ts";
import { words } from "../errors.ts";
import { Exit } from "../exit.ts";

export default command({
  usage: "CONTAINER NEW_NAME",
  args: exactly(2),
  completes: ["container"],
  flags: {},
  async run(context, [given = "", wanted = ""]) {
    const [from, to] = [given.trim(), wanted.trim()];
    if (from === "" || to === "") throw new Exit(1, "Error: Neither old nor new names may be empty");
    const { containers } = await context.engine();
    try {
      await containers.rename(from, to);
    } catch (error) {
      throw new Exit(1, `${words(error)}\nError: failed to rename container named ${from}`);
    }
  },
});
