import { segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: atLeast(1),
  completes: ["volume"],
  flags: { format: inspectFormatFlag },
  async run(context, names, { format }) {
    const { transport } = await context.engine();
    return inspectEach(context, names, format, (name) => transport.text(`/volumes/${segment(name)}`));
  },
});
