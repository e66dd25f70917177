import { command, exactly } from "../command.ts";
import { flag, text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  args: exactly(2),
  completes: ["running container"],
  flags: {
    "checkpoint-dir": text("Use a custom checkpoint storage directory"),
    "leave-running": flag("Leave the container running after checkpoint"),
  },
  async run(context, [container = "", name = ""], { "checkpoint-dir": dir, "leave-running": leaveRunning }) {
    const { containers } = await context.engine();
    await containers.createCheckpoint(container, name, { dir, leaveRunning });
    context.out.write(`${name}\n`);
  },
});
