import { atLeast, command } from "../command.ts";
import { portLines } from "../format/ports.ts";
import { portsOf } from "../run-options/ports.ts";

export default command({
  usage: "CONTAINER PORT [PORT...]",
  about:
    "Give up published ports of a container without a restart. PORT is [[ip:]host:]container[/protocol]; without a host\n" +
    "port all of that container port's. Connections that are open go on.",
  args: atLeast(2),
  completes: ["container", []],
  flags: {},
  examples: ["gantry port rm web 8081:80", "gantry port rm web 80/tcp"],
  async run(context, [name = "", ...specs]) {
    const { containers } = await context.engine();
    const { Ports } = await containers.removePorts(name, portsOf(specs, []).bindings);
    context.out.write(portLines(Ports));
  },
});
