import { command, exactly } from "../command.ts";
import { text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  args: exactly(2),
  completes: ["container"],
  flags: { "checkpoint-dir": text("Use a custom checkpoint storage directory") },
  async run(context, [container = "", name = ""], { "checkpoint-dir": dir }) {
    const { containers } = await context.engine();
    await containers.removeCheckpoint(container, name, dir);
  },
});
