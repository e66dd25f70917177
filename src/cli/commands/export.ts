import { command, exactly } from "../command.ts";
import { text } from "../flags.ts";
import { saveStream } from "../files.ts";

export default command({
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: ["container"],
  flags: { output: text("Write to a file, instead of STDOUT", "o") },
  async run(context, [name = ""], { output }) {
    const { containers } = await context.engine();
    await saveStream(context, output, "export container", () => containers.export(name));
  },
});
