import { command, exactly } from "../command.ts";
import { text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: ["container"],
  flags: { "checkpoint-dir": text("Use a custom checkpoint storage directory") },
  async run(context, [container = ""], { "checkpoint-dir": dir }) {
    const { containers } = await context.engine();
    const names = (await containers.listCheckpoints(container, dir)).map((checkpoint) => checkpoint.Name);
    context.out.write(["CHECKPOINT NAME", ...names].map((line) => `${line}\n`).join(""));
  },
});
