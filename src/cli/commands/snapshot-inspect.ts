import { segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] CONTAINER NAME [NAME...]",
  args: atLeast(2),
  completes: ["container"],
  flags: { format: inspectFormatFlag },
  async run(context, [container = "", ...names], { format }) {
    const { transport } = await context.engine();
    const root = `/gantry/containers/${segment(container)}/snapshots`;
    return inspectEach(context, names, format, (name) => transport.text(`${root}/${segment(name)}`));
  },
});
