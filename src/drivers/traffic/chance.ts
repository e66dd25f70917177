import { checkedLink } from "../nft/checked.ts";

/** Chance in steps of a thousandth of a percent. */
const STEPS = 100_000;

const chance = (percent: number): string =>
  `numgen random mod ${STEPS} < ${Math.min(STEPS - 1, Math.round((percent / 100) * STEPS))}`;

/** Loses that share of what comes in by a link; in place of before. */
export const planLoss = (table: string, link: string, percent: number): string =>
  [
    ...planNoLoss(table),
    `add table netdev ${table}`,
    `add chain netdev ${table} loss { type filter hook ingress device "${checkedLink(link)}" priority 0; policy accept; }`,
    `add rule netdev ${table} loss ${percent === 100 ? "" : `${chance(percent)} `}drop`,
    "",
  ].join("\n");

export const planNoLoss = (table: string): string[] => [`add table netdev ${table}`, `delete table netdev ${table}`];

/** The tables of these names in `nft list tables`. */
export const tablesOf = (text: string, prefix: string): string[] =>
  text.split("\n").flatMap((line) => {
    const [, name] = /^table netdev (\S+)$/.exec(line.trim()) ?? [];
    return name?.startsWith(prefix) ? [name] : [];
  });
