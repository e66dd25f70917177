import { contains, parseAddress, parseCidr } from "../../base/ip-address.ts";
import { command, exactly } from "../command.ts";
import { commaList, flag, flagMaybe, list, map, text, textOr, type Values } from "../flags.ts";
import { pairOf } from "../run-options/key-values.ts";
import type { IpamPool } from "../../wire/types/networks.ts";

const flags = {
  attachable: flag("Enable manual container attachment"),
  "aux-address": map("Auxiliary IPv4 or IPv6 addresses used by Network driver"),
  "config-from": text("The network from which to copy the configuration", undefined, { completes: "network" }),
  "config-only": flag("Create a configuration only network"),
  driver: textOr("bridge", "Driver to manage the Network", "d", {
    completes: ["bridge", "host", "ipvlan", "macvlan", "none"],
  }),
  gateway: commaList("IPv4 or IPv6 Gateway for the master subnet"),
  ingress: flag("Create swarm routing-mesh network"),
  internal: flag("Restrict external access to the network"),
  "ip-range": commaList("Allocate container ip from a sub-range"),
  "ipam-driver": textOr("default", "IP Address Management Driver"),
  "ipam-opt": map("Set IPAM driver specific options"),
  ipv4: flagMaybe("Enable or disable IPv4 address assignment", undefined, { shown: "true" }),
  ipv6: flagMaybe("Enable or disable IPv6 address assignment"),
  label: list("Set metadata on a network"),
  opt: map("Set driver specific options", "o"),
  scope: text("Control the network's scope"),
  subnet: commaList("Subnet in CIDR format that represents a network segment"),
};

export default command({
  usage: "[OPTIONS] NETWORK",
  examples: ["gantry network create --subnet 10.9.0.0/24 back"],
  args: exactly(1),
  flags,
  async run(context, [name = ""], options) {
    const { networks } = await context.engine();
    const { Id, Warning } = await networks.create({
      Name: name,
      // Engines before 1.44 allow two networks of one name unless told.
      CheckDuplicate: true,
      Driver: options.driver,
      Scope: options.scope ?? "",
      Internal: options.internal,
      Attachable: options.attachable,
      Ingress: options.ingress,
      ConfigOnly: options["config-only"],
      ...(options["config-from"] !== undefined && { ConfigFrom: { Network: options["config-from"] } }),
      ...(options.ipv4 !== undefined && { EnableIPv4: options.ipv4 }),
      ...(options.ipv6 !== undefined && { EnableIPv6: options.ipv6 }),
      IPAM: { Driver: options["ipam-driver"], Options: options["ipam-opt"], Config: pools(options) },
      Options: options.opt,
      Labels: Object.fromEntries(options.label.map(pairOf)),
    });
    if (Warning) context.err.write(`WARNING: ${Warning}\n`);
    context.out.write(`${Id}\n`);
  },
});

/** Each gateway, range and spare address goes to the subnet that holds it. */
function pools(options: Values<typeof flags>): IpamPool[] {
  const { subnet: subnets, gateway: gateways, "ip-range": ranges, "aux-address": spare } = options;
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new Error("every ip-range or gateway must have a corresponding subnet");
  }
  const result: IpamPool[] = subnets.map((Subnet) => ({ Subnet }));
  const holder = (address: string, complaint: string): IpamPool => {
    const pool = result.find(({ Subnet }) => holds(Subnet!, address));
    if (pool === undefined) throw new Error(complaint);
    return pool;
  };
  for (const range of ranges) {
    const pool = holder(range.split("/")[0]!, `no matching subnet for range ${range}`);
    if (pool.IPRange !== undefined)
      throw new Error(
        `cannot configure multiple ranges (${range}, ${pool.IPRange}) on the same subnet (${pool.Subnet})`,
      );
    pool.IPRange = range;
  }
  for (const gateway of gateways) {
    const pool = holder(gateway, `no matching subnet for gateway ${gateway}`);
    if (pool.Gateway !== undefined)
      throw new Error(
        `cannot configure multiple gateways (${gateway}, ${pool.Gateway}) for the same subnet (${pool.Subnet})`,
      );
    pool.Gateway = gateway;
  }
  for (const [key, address] of Object.entries(spare)) {
    (holder(address, `no matching subnet for aux-address ${address}`).AuxiliaryAddresses ??= {})[key] = address;
  }
  return result;
}

function holds(subnet: string, address: string): boolean {
  const [range, one] = [parseCidr(subnet)?.range, parseAddress(address)];
  return range !== undefined && one !== undefined && contains(range, one);
}
