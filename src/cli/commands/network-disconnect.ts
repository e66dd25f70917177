import { command, exactly } from "../command.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: exactly(2),
  completes: ["network", "container"],
  flags: { force: flag("Force the container to disconnect from a network", "f") },
  async run(context, [network = "", container = ""], { force }) {
    const { networks } = await context.engine();
    await networks.disconnect(network, container, force);
  },
});
