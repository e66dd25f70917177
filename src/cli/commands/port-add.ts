import { atLeast, command } from "../command.ts";
import { portLines } from "../format/ports.ts";
import { portsOf } from "../run-options/ports.ts";

export default command({
  usage: "CONTAINER PORT [PORT...]",
  about:
    "Publish ports of a container without a restart. PORT is what run -p takes: [[ip:]host:]container[/protocol],\n" +
    "each a port or a range. They stay published over restarts; a stopped container gets them at its next start.",
  args: atLeast(2),
  completes: ["container", []],
  flags: {},
  examples: [
    "gantry port add web 8081:80",
    "gantry port add web 127.0.0.1:5353:53/udp 9000-9010:9000-9010",
    "gantry port add web 80",
  ],
  async run(context, [name = "", ...specs]) {
    const { containers } = await context.engine();
    const { Ports, Running } = await containers.addPorts(name, portsOf(specs, []).bindings);
    context.out.write(portLines(Ports));
    if (!Running) context.err.write(`${name} does not run: its ports are published when it starts\n`);
  },
});
