import { between, command } from "../command.ts";
import { Exit } from "../exit.ts";
import { hostAddress, portLines } from "../format/ports.ts";
import { naturally } from "../format/words.ts";

export default command({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: between(1, 2),
  about:
    "List port mappings or a specific mapping for the container\n\n" +
    "gantry port add and gantry port rm change them while the container runs. For a container with the name add or rm:\n" +
    "gantry port -- add",
  completes: [["<running container>", "add", "rm"]],
  flags: {},
  async run(context, [name = "", wanted]) {
    const { containers } = await context.engine();
    const { NetworkSettings: settings } = await containers.inspect(name);
    const ports = settings.Ports ?? {};
    if (wanted === undefined) {
      context.out.write(portLines(ports));
      return;
    }
    const [number = "", protocol = "tcp"] = wanted.split("/");
    if (!/^\d+$/.test(number) || Number(number) > 65535) {
      throw new Exit(
        1,
        `Error: invalid port (${number}): strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`,
      );
    }
    const bindings = ports[`${number}/${protocol}`];
    if (!bindings) throw new Exit(1, `Error: No public port '${wanted}' published for ${name}`);
    context.out.write(
      bindings
        .map((binding) => `${hostAddress(binding)}\n`)
        .toSorted(naturally)
        .join(""),
    );
  },
});
