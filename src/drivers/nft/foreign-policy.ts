/**
 * Another program's forward chain (`ip filter FORWARD`, which iptables-nft makes and dockerd sets to policy drop):
 * an accept in our table cannot overrule it. Rules at its end let our bridges' traffic past the policy; all explicit
 * rules of that chain stand before them and hold.
 */
export interface ForeignChain {
  policy: string;
  rules: { handle: number; comment: string }[];
}

interface Listing {
  nftables: { chain?: { policy?: string }; rule?: { handle: number; comment?: string } }[];
}

/** From `nft -j -a list chain`. */
export function parseForeignChain(json: string): ForeignChain | undefined {
  let policy: string | undefined;
  const rules: ForeignChain["rules"] = [];
  for (const item of (JSON.parse(json) as Listing).nftables) {
    if (item.chain) policy = item.chain.policy;
    if (item.rule) rules.push({ handle: item.rule.handle, comment: item.rule.comment ?? "" });
  }
  return policy === undefined ? undefined : { policy, rules };
}

export const dropsByPolicy = (chain: ForeignChain): boolean => chain.policy === "drop";

const commentOf = (table: string, bridge: string, way: "in" | "out"): string => `${table} ${bridge} ${way}`;

/** What is missing of the two rules for each bridge, and the deletion of those whose bridge is gone. */
export function planPass(chain: ForeignChain, table: string, bridges: string[]): string[] {
  const present = new Set(chain.rules.map((rule) => rule.comment));
  const wanted = new Set<string>();
  const commands: string[] = [];
  for (const bridge of bridges) {
    for (const way of ["in", "out"] as const) {
      const comment = commentOf(table, bridge, way);
      wanted.add(comment);
      const match = way === "in" ? "iifname" : "oifname";
      if (!present.has(comment)) {
        commands.push(`add rule ip filter FORWARD ${match} "${bridge}" counter accept comment "${comment}"`);
      }
    }
  }
  for (const rule of chain.rules) {
    if (rule.comment.startsWith(`${table} `) && !wanted.has(rule.comment)) {
      commands.push(`delete rule ip filter FORWARD handle ${rule.handle}`);
    }
  }
  return commands;
}

/** Handles of the rules that we added. */
export const addedRuleHandles = (chain: ForeignChain, table: string): number[] =>
  chain.rules.filter((rule) => rule.comment.startsWith(`${table} `)).map((rule) => rule.handle);
