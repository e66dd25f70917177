import { command, exactly } from "../command.ts";

export default command({
  usage: "VOLUME NEW_NAME",
  about: "Rename a volume. Containers that use it follow, whether they run or not.",
  args: exactly(2),
  completes: ["volume"],
  flags: {},
  async run(context, [name = "", to = ""]) {
    const { volumes } = await context.engine();
    await volumes.rename(name, to);
  },
});
