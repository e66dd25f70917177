import type { EndpointSettings } from "../../base/container-config.ts";
import { command, exactly } from "../command.ts";
import { commaList, integer, list, text } from "../flags.ts";
import { pairOf } from "../run-options/key-values.ts";

export default command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: exactly(2),
  completes: ["network", "container"],
  flags: {
    alias: commaList("Add network-scoped alias for the container"),
    "driver-opt": commaList("driver options for the network"),
    "gw-priority": integer("Highest gw-priority provides the default gateway. Accepts positive and negative values."),
    ip: text('IPv4 address (e.g., "172.30.100.104")'),
    ip6: text('IPv6 address (e.g., "2001:db8::33")'),
    link: list("Add link to another container", undefined, { completes: "container" }),
    "link-local-ip": commaList("Add a link-local address for the container"),
  },
  async run(
    context,
    [network = "", container = ""],
    { alias, ip, ip6, link, "driver-opt": driver, "gw-priority": priority, "link-local-ip": local },
  ) {
    const { networks } = await context.engine();
    const endpoint: EndpointSettings = {
      IPAMConfig: {
        ...(ip !== undefined && { IPv4Address: ip }),
        ...(ip6 !== undefined && { IPv6Address: ip6 }),
        ...(local.length > 0 && { LinkLocalIPs: local }),
      },
      ...(priority !== undefined && { GwPriority: priority }),
      ...(link.length > 0 && { Links: link }),
      ...(alias.length > 0 && { Aliases: alias }),
      ...(driver.length > 0 && { DriverOpts: Object.fromEntries(driver.map(pairOf)) }),
    };
    await networks.connect(network, container, endpoint);
  },
});
