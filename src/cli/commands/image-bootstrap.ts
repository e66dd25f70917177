import { command, exactly } from "../command.ts";
import { text } from "../flags.ts";
import { showProgress } from "../progress.ts";

export default command({
  usage: "[OPTIONS] NAME",
  about: "Make a base image without a registry: busybox (from busybox-static) or debian:SUITE (by mmdebstrap)",
  args: exactly(1),
  flags: {
    mirror: text("Debian mirror to take packages from"),
    suite: text("Debian suite, e.g. bookworm"),
    tag: text("Name of the image, if it should differ", "t"),
    variant: text("mmdebstrap's variant, e.g. minbase"),
  },
  async run(context, [name = ""], { mirror, suite, tag, variant }) {
    const { images } = await context.engine();
    await showProgress(images.bootstrap(name, { mirror, suite, tag, variant }), context.out);
  },
});
