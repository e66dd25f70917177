import { segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { flag } from "../flags.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["container"],
  flags: { format: inspectFormatFlag, size: flag("Display total file sizes", "s") },
  async run(context, names, { format, size }) {
    const { transport } = await context.engine();
    return inspectEach(context, names, format, (name) => transport.text(`/containers/${segment(name)}/json`, { size }));
  },
});
