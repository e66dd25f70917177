import { GantryError } from "../../base/errors.ts";
import { formatAddress, formatRange, type IpFamily, parseCidr } from "../../base/ip-address.ts";
import type { Subnet } from "./record.ts";
import { planSubnets, rangeOf, type SubnetFacts, type SubnetWish } from "./subnet-plan.ts";

/** What the engine's options say of the addresses on the default bridge. */
export interface DefaultBridgeOptions {
  /** The bridge's own address and subnet, "172.30.0.1/16". */
  bip?: string;
  bip6?: string;
  /** Where containers' addresses are picked from; without a `bip` the subnet too. */
  fixedCidr?: string;
  fixedCidr6?: string;
  ipv6?: boolean;
}

/** A subnet that was picked `before` stays. Errors: invalid BAD_BIP, and those of planSubnets. */
export function planDefaultSubnets(
  options: DefaultBridgeOptions,
  before: Subnet[],
  freeSubnet: SubnetFacts["freeSubnet"],
): Subnet[] {
  const { bip, bip6, fixedCidr, fixedCidr6, ipv6 = false } = options;
  const pools = [poolOf("--bip", bip, fixedCidr, 4), poolOf("--bip6", bip6, fixedCidr6, 6)].filter(
    (pool) => pool !== undefined,
  );
  return planSubnets(
    { ipv4: true, ipv6, pools },
    {
      networks: [],
      freeSubnet: (family) => {
        const kept = before.find(({ subnet, given }) => !given && rangeOf(subnet).family === family);
        return kept?.subnet ?? freeSubnet(family);
      },
    },
  );
}

function poolOf(
  option: string,
  bip: string | undefined,
  fixed: string | undefined,
  family: IpFamily,
): SubnetWish | undefined {
  if (bip === undefined) return fixed === undefined ? undefined : { subnet: fixed };
  const parsed = parseCidr(bip);
  if (parsed?.range.family !== family) {
    throw new GantryError(
      "invalid",
      "BAD_BIP",
      `invalid ${option} ${bip}: like ${family === 4 ? "172.30.0.1/16" : "fd00:30::1/64"}`,
    );
  }
  return { subnet: formatRange(parsed.range), gateway: formatAddress(parsed.address), ipRange: fixed };
}
