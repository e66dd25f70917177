import { segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { flag } from "../flags.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  args: atLeast(1),
  completes: ["network"],
  flags: { format: inspectFormatFlag, verbose: flag("Verbose output for diagnostics", "v") },
  async run(context, names, { format, verbose }) {
    const { transport } = await context.engine();
    return inspectEach(context, names, format, (name) => transport.text(`/networks/${segment(name)}`, { verbose }));
  },
});
