interface Listing {
  nftables: { chain?: { family: string; table: string; name: string; hook?: string; policy?: string } }[];
}

/**
 * Chains with the policy to drop what is forwarded, as "inet filter forward", in `nft -j list chains`; without those
 * that iptables makes, which are let past.
 */
export function parseForwardDrops(json: string): string[] {
  return (JSON.parse(json) as Listing).nftables.flatMap(({ chain }) => {
    if (chain?.hook !== "forward" || chain.policy !== "drop") return [];
    if (chain.table === "filter" && chain.name === "FORWARD") return [];
    return [`${chain.family} ${chain.table} ${chain.name}`];
  });
}
