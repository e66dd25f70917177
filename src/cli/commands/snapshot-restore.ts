import { command, exactly } from "../command.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER NAME",
  about:
    "Put a container's files and volumes back to a snapshot. One that runs is killed and started,\n" +
    "with the same name, addresses and ports.",
  args: exactly(2),
  completes: ["container"],
  flags: {
    force: flag("Kill and start other containers that use its volumes, too", "f"),
    quiet: flag("Don't tell how long it took", "q"),
  },
  async run(context, [container = "", name = ""], { force, quiet }) {
    const { snapshots } = await context.engine();
    const { Milliseconds, Restarted } = await snapshots.restore(container, name, { force });
    if (quiet) return;
    const { Copying, Swapping, Starting } = Milliseconds;
    const parts = [
      `copied in ${Copying} ms`,
      ...(Restarted.length > 0 ? [`down for ${Swapping} ms`, `started in ${Starting} ms`] : []),
    ];
    context.out.write(`${name}: ${parts.join(", ")}\n`);
    const others = Restarted.slice(1);
    if (others.length > 0) context.err.write(`started again as well: ${others.join(", ")}\n`);
  },
});
