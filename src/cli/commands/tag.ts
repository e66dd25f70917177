import { command, exactly } from "../command.ts";
import { checkTarget } from "../image-names.ts";
import { familiarRepository } from "../../base/reference.ts";

export default command({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: exactly(2),
  completes: ["image", "image"],
  flags: {},
  async run(context, [source = "", target = ""]) {
    const { images } = await context.engine();
    const reference = checkTarget(target);
    if (reference.digest !== undefined) throw new Error("refusing to create a tag with a digest reference");
    await images.tag(source, familiarRepository(reference), reference.tag ?? "latest");
  },
});
