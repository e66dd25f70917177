import { segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { flag } from "../flags.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: atLeast(1),
  completes: ["volume"],
  flags: { format: inspectFormatFlag, size: flag("Show its size on disk, its last use and its users", "s") },
  async run(context, names, { format, size }) {
    const { transport } = await context.engine();
    const root = size ? "/gantry/volumes" : "/volumes";
    return inspectEach(context, names, format, (name) => transport.text(`${root}/${segment(name)}`));
  },
});
