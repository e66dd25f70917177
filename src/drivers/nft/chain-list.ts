/** A chain of anybody's, from `nft -j list chains`. */
export interface ListedChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

export const parseChainList = (json: string): ListedChain[] =>
  (JSON.parse(json) as { nftables: { chain?: ListedChain }[] }).nftables.flatMap(({ chain }) => chain ?? []);

/** Those that drop by policy what is forwarded, without iptables' own, which are let past. */
export const forwardDrops = (chains: ListedChain[]): ListedChain[] =>
  chains.filter(
    ({ hook, policy, table, name }) =>
      hook === "forward" && policy === "drop" && !(table === "filter" && name === "FORWARD"),
  );

/** The families in which there is a table of that name. */
export const familiesOf = (chains: ListedChain[], table: string): string[] => [
  ...new Set(chains.filter((chain) => chain.table === table).map(({ family }) => family)),
];
