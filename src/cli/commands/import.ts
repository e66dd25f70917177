import { between, command } from "../command.ts";
import { openInput } from "../files.ts";
import { list, text } from "../flags.ts";
import { splitName } from "../image-names.ts";
import { showProgress } from "../progress/show.ts";

export default command({
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  args: between(1, Infinity),
  completes: ["file"],
  flags: {
    change: list("Apply Dockerfile instruction to the created image", "c"),
    message: text("Set commit message for imported image", "m"),
    platform: text("Set platform if server is multi-platform capable"),
  },
  async run(context, [source = "", target], { change, message, platform }) {
    const { repository = "", tag = "" } = target === undefined ? {} : splitName(target);
    const remote = /^https?:\/\//.test(source);
    const body = remote ? undefined : await openInput(context, source);
    const { images } = await context.engine();
    const options = { repo: repository, tag, message, changes: change, platform };
    await showProgress(context, images.import(remote ? source : "-", options, body), context.out);
  },
});
