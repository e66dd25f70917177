import { imagePath } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { text } from "../flags.ts";
import { platformJson } from "../platforms.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: ["image"],
  flags: {
    format: inspectFormatFlag,
    platform: text(
      "Inspect a specific platform of the multi-platform image.\nIf the image or the server is not multi-platform capable, " +
        "the command will error out if the platform does not match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    ),
  },
  async run(context, names, { format, platform: given }) {
    const { transport } = await context.engine();
    const platform = platformJson(given);
    return inspectEach(context, names, format, (name) =>
      transport.text(`/images/${imagePath(name)}/json`, { platform }),
    );
  },
});
