import { atLeast, command } from "../command.ts";
import { text } from "../flags.ts";
import { platformFlag, platformJson } from "../platforms.ts";
import { saveStream } from "../files.ts";

export default command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: ["image"],
  flags: {
    output: text("Write to a file, instead of STDOUT", "o", { completes: "file" }),
    platform: platformFlag("Save only the given platform variant"),
  },
  async run(context, names, { output, platform }) {
    const { images } = await context.engine();
    await saveStream(context, output, "save image", () => images.save(names, { platform: platformJson(platform) }));
  },
});
