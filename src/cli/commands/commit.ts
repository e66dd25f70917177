import { between, command } from "../command.ts";
import { flag, flagOn, list, text } from "../flags.ts";
import { splitName } from "../image-names.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  args: between(1, 2),
  completes: ["container", "image"],
  flags: {
    author: text('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', "a"),
    change: list("Apply Dockerfile instruction to the created image", "c"),
    message: text("Commit message", "m"),
    pause: flagOn("Pause container during commit", "p"),
    "no-pause": flag("Disable pausing container during commit"),
  },
  async run(context, [name = "", target], { author, change, message, pause, "no-pause": noPause }) {
    const { containers } = await context.engine();
    const { repository = "", tag = "" } = target === undefined ? {} : splitName(target);
    const { Id } = await containers.commit(name, {
      repo: repository,
      tag,
      author,
      comment: message,
      changes: change,
      pause: pause && !noPause,
    });
    context.out.write(`${Id}\n`);
  },
});
