import { command, noArgs } from "../command.ts";
import { Exit } from "../exit.ts";
import { openInput } from "../files.ts";
import { flag, text } from "../flags.ts";
import { platformFlag, platformJson } from "../platforms.ts";
import { showProgress } from "../progress/show.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    input: text("Read from tar archive file, instead of STDIN", "i", { completes: "file" }),
    platform: platformFlag("Load only the given platform variant"),
    quiet: flag("Suppress the load output", "q"),
  },
  async run(context, _args, { input, platform, quiet }) {
    if (!input && process.stdin.isTTY) throw new Exit(1, "requested load from stdin, but stdin is empty");
    const body = await openInput(context, input || "-");
    const { images } = await context.engine();
    await showProgress(
      context,
      images.load(body, { platform: platformJson(platform), quiet: quiet || !context.out.isTTY }),
      context.out,
    );
  },
});
