import { GantryError } from "../../base/errors.ts";
import { imagePath, segment } from "../../client/query.ts";
import { atLeast, command } from "../command.ts";
import { Exit } from "../exit.ts";
import { flag, text } from "../flags.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

const KINDS: Record<string, (name: string) => string> = {
  container: (name) => `/containers/${segment(name)}/json`,
  image: (name) => `/images/${imagePath(name)}/json`,
  network: (name) => `/networks/${segment(name)}`,
  volume: (name) => `/volumes/${segment(name)}`,
};

export default command({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  examples: ["gantry inspect -f '{{.State.Status}}' web"],
  args: atLeast(1),
  completes: ["object"],
  flags: {
    format: inspectFormatFlag,
    size: flag("Display total file sizes if the type is container", "s"),
    type: text("Only inspect objects of the given type", undefined, {
      completes: ["container", "image", "network", "volume"],
    }),
  },
  async run(context, names, { format, size, type }) {
    if (type !== undefined && type !== "" && KINDS[type] === undefined) {
      const known = Object.keys(KINDS).map((kind) => JSON.stringify(kind));
      throw new Exit(1, `unknown type: ${JSON.stringify(type)}: must be one of ${known.join(", ")}`);
    }
    const { transport } = await context.engine();
    return inspectEach(context, names, format, async (name) => {
      for (const kind of type ? [type] : Object.keys(KINDS)) {
        try {
          return await transport.text(KINDS[kind]!(name), { size: kind === "container" && size });
        } catch (error) {
          if (type || !(error instanceof GantryError) || error.kind !== "notFound") throw error;
        }
      }
      throw new Error(`Error: No such object: ${name}`);
    });
  },
});
