import { humanSize } from "../../base/units.ts";
import { between, command } from "../command.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [NAME]",
  about:
    "Keep what a container has in its own files and in the volumes that it can write to.\n" +
    "While they are copied, the container and others that use the volumes are paused.",
  args: between(1, 2),
  completes: ["container"],
  examples: ["gantry snapshot save db clean", "gantry snapshot restore db clean"],
  flags: {
    "no-pause": flag("Don't pause meanwhile: what is being written may be half there"),
    quiet: flag("Only print the snapshot's name", "q"),
  },
  async run(context, [container = "", name], { "no-pause": noPause, quiet }) {
    const { snapshots } = await context.engine();
    const { Name, Size, Milliseconds } = await snapshots.save(container, { name, pause: !noPause });
    context.out.write(quiet ? `${Name}\n` : `${Name}: ${humanSize(Size)} in ${Milliseconds} ms\n`);
  },
});
