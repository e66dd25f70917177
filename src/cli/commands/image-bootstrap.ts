import { command, exactly } from "../command.ts";
import { text } from "../flags.ts";
import { showProgress } from "../progress/show.ts";

export default command({
  usage: "[OPTIONS] NAME",
  about: "Make a base image without a registry: busybox (from busybox-static) or debian:SUITE (by mmdebstrap)",
  args: exactly(1),
  completes: [["busybox", "debian:trixie", "debian:bookworm"]],
  flags: {
    mirror: text("Debian mirror to take packages from"),
  },
  async run(context, [name = ""], { mirror }) {
    const { images } = await context.engine();
    await showProgress(context, images.bootstrap(name, { mirror }), context.out);
  },
});
