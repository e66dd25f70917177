import { between, command } from "../command.ts";
import { Exit } from "../exit.ts";
import { naturally } from "../format/words.ts";
import type { PortBinding } from "../../base/container-config.ts";

const address = ({ HostIp = "", HostPort = "" }: PortBinding): string =>
  HostIp.includes(":") ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;

export default command({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: between(1, 2),
  completes: ["running container"],
  flags: {},
  async run(context, [name = "", wanted]) {
    const { containers } = await context.engine();
    const { NetworkSettings: settings } = await containers.inspect(name);
    const ports = settings.Ports ?? {};
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([port, bindings]) =>
        (bindings ?? []).map((binding) => `${port} -> ${address(binding)}\n`),
      );
      context.out.write(lines.toSorted(naturally).join(""));
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
        .map((binding) => `${address(binding)}\n`)
        .toSorted(naturally)
        .join(""),
    );
  },
});
