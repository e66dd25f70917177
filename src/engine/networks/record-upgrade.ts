import type { BridgeConfig, NetworkRecord, Subnet } from "./record.ts";

/** A network as an engine without IPv6 kept it. */
type OneSubnetRecord = Omit<NetworkRecord, "ipv4" | "ipv6" | "subnets" | "bridge"> & {
  bridge?: Omit<BridgeConfig, "routed"> & Omit<Subnet, "given"> & { subnetGiven: boolean };
};

/** A record of this or of an earlier version as this one has it. */
export function upgradeNetwork(stored: NetworkRecord | OneSubnetRecord): NetworkRecord {
  if ("subnets" in stored) return stored;
  const families = { ipv4: true, ipv6: false };
  if (stored.bridge === undefined) return { ...stored, ...families, subnets: [], bridge: undefined };
  const { subnet, gateway, ipRange, reserved, subnetGiven: given, ...bridge } = stored.bridge;
  const subnets = [{ subnet, gateway, ...(ipRange !== undefined && { ipRange }), reserved, given }];
  return { ...stored, ...families, subnets, bridge: { ...bridge, routed: [] } };
}
