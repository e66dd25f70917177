import { command, exactly } from "../command.ts";
import { flag, flagOn, text } from "../flags.ts";
import { pullImage } from "../pulling.ts";

export default command({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  examples: ["gantry pull debian:trixie", "gantry pull --platform linux/arm64 busybox"],
  args: exactly(1),
  completes: ["image"],
  flags: {
    "all-tags": flag("Download all tagged images in the repository", "a"),
    "disable-content-trust": flagOn("Skip image verification"),
    platform: text("Set platform if server is multi-platform capable"),
    quiet: flag("Suppress verbose output", "q"),
  },
  async run(context, [name = ""], { platform, quiet, "all-tags": allTags }) {
    const engine = await context.engine();
    const full = await pullImage(context, engine, name, { platform, quiet, allTags, out: context.out, announce: true });
    context.out.write(`${full}\n`);
  },
});
