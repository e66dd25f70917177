/**
 * The forward chains that iptables makes (`ip filter FORWARD`, `ip6 filter FORWARD`) and dockerd, ufw and others set to
 * policy drop: an accept in our table cannot overrule it. Rules at their end let our bridges' traffic past the policy;
 * all explicit rules of such a chain stand before them and hold.
 */
export interface ForwardChain {
  policy: string;
  rules: { handle: number; comment: string }[];
}

interface Listing {
  nftables: { chain?: { policy?: string }; rule?: { handle: number; comment?: string } }[];
}

/** From `nft -j -a list chain`. */
export function parseForwardChain(json: string): ForwardChain | undefined {
  let policy: string | undefined;
  const rules: ForwardChain["rules"] = [];
  for (const item of (JSON.parse(json) as Listing).nftables) {
    if (item.chain) policy = item.chain.policy;
    if (item.rule) rules.push({ handle: item.rule.handle, comment: item.rule.comment ?? "" });
  }
  return policy === undefined ? undefined : { policy, rules };
}

/** The two rules that a bridge needs: what marks each as ours, and the link that it is about. */
export const passesFor = (mark: string, bridges: string[]): { comment: string; bridge: string; way: "in" | "out" }[] =>
  bridges.flatMap((bridge) =>
    (["in", "out"] as const).map((way) => ({ comment: `${mark} ${bridge} ${way}`, bridge, way })),
  );

/** What is missing of those rules, and the deletion of those that are not needed. */
export function planPasses(family: "ip" | "ip6", chain: ForwardChain, mark: string, bridges: string[]): string[] {
  const wanted = passesFor(mark, chain.policy === "drop" ? bridges : []);
  const present = new Set(chain.rules.map(({ comment }) => comment));
  const needed = new Set(wanted.map(({ comment }) => comment));
  return [
    ...wanted
      .filter(({ comment }) => !present.has(comment))
      .map(({ comment, bridge, way }) => {
        const match = way === "in" ? "iifname" : "oifname";
        return `add rule ${family} filter FORWARD ${match} "${bridge}" counter accept comment "${comment}"`;
      }),
    ...chain.rules
      .filter(({ comment }) => comment.startsWith(`${mark} `) && !needed.has(comment))
      .map(({ handle }) => `delete rule ${family} filter FORWARD handle ${handle}`),
  ];
}
