import { command, exactly } from "../command.ts";
import { flag } from "../flags.ts";
import { warnOfWriters } from "../volume-writers.ts";

export default command({
  usage: "[OPTIONS] VOLUME NEW_VOLUME",
  about:
    "Create a volume with the contents and labels of another, all or nothing.\n" +
    "Where the file system can (xfs, btrfs), both share their blocks until one changes.",
  args: exactly(2),
  completes: ["volume"],
  flags: { pause: flag("Pause the containers that use the volume meanwhile") },
  async run(context, [name = "", to = ""], { pause }) {
    const { volumes } = await context.engine();
    const { Writers } = await volumes.clone(name, to, { pause });
    context.out.write(`${to}\n`);
    warnOfWriters(
      context,
      Writers.map((user) => user.Name),
      "clone",
    );
  },
});
