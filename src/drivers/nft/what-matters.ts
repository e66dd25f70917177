import type { Change } from "./generations.ts";

/** <linux/netfilter/nf_tables.h>, <linux/netfilter.h> */
const MSG = { NEWTABLE: 0, DELTABLE: 2, NEWCHAIN: 3, DELCHAIN: 5, NEWRULE: 6, DELRULE: 8 } as const;
const FORWARDING_FAMILIES = [1, 2, 10]; // inet, ip, ip6
const SHAPES: number[] = [MSG.NEWTABLE, MSG.DELTABLE, MSG.NEWCHAIN, MSG.DELCHAIN];
const RULES: number[] = [MSG.NEWRULE, MSG.DELRULE];

/**
 * May a change of somebody else's concern the engine whose tables have that name? One of its own tables, or a chain that may
 * drop what is forwarded, or iptables' own such chain, which holds rules of the engine's.
 */
export function mayMatter(own: string, { message, family, table, part }: Change): boolean {
  if (table === own) return true;
  if (!FORWARDING_FAMILIES.includes(family)) return false;
  return SHAPES.includes(message) || (RULES.includes(message) && table === "filter" && part === "FORWARD");
}
