import { parseAddress } from "../../base/ip-address.ts";
import type { FirewallNetwork, GuardedCable } from "../../ports/firewall.ts";
import { checkedAddress, checkedLink, isV6, quoted } from "./checked.ts";
import type { Chain, Elements, Holder, TablePlan } from "./table.ts";

/**
 * Which cable may speak for which address. An address that is nobody's (of a virtual host, say) may be used by all;
 * one of the host's or of a container's only by its owner. `target` holds IPv6 addresses as the numbers that nft
 * takes for a part of a packet that it has no name for.
 */
const HOLDERS: Holder[] = [
  { kind: "set", name: "known", type: "type ipv4_addr" },
  { kind: "set", name: "own", type: "type ifname . ipv4_addr" },
  { kind: "set", name: "known6", type: "type ipv6_addr" },
  { kind: "set", name: "own6", type: "type ifname . ipv6_addr" },
  { kind: "set", name: "known_target", type: "typeof @th,64,128" },
  { kind: "set", name: "own_target", type: "typeof iifname . @th,64,128" },
];

const CLAIMS: Chain = {
  name: "claims",
  rules: [
    "arp saddr ip @known iifname . arp saddr ip != @own drop",
    "ip saddr @known iifname . ip saddr != @own drop",
    "ip6 saddr @known6 iifname . ip6 saddr != @own6 drop",
    "icmpv6 type nd-neighbor-advert @th,64,128 @known_target iifname . @th,64,128 != @own_target drop",
    "icmpv6 type nd-router-advert drop",
  ],
};

const chainOf = ({ link }: GuardedCable): Chain => ({
  name: checkedLink(link),
  hook: `type filter hook ingress device ${quoted(link)} priority -400; policy accept;`,
  rules: ["jump claims"],
});

export const planGuard = (name: string, networks: FirewallNetwork[], cables: GuardedCable[]): TablePlan => ({
  family: "netdev",
  name,
  holders: HOLDERS,
  chains: [CLAIMS, ...cables.map(chainOf)],
  elements: guardElements(
    cables,
    networks.flatMap(({ gateways }) => gateways ?? []),
  ),
});

/** One more cable, or one less; both can be repeated. */
export function planCable(verb: "add" | "delete", name: string, cable: GuardedCable): string[] {
  const { name: chain, hook, rules } = chainOf(cable);
  const id = `netdev ${name} ${chain}`;
  if (verb === "add") {
    return [`add chain ${id} { ${hook} }`, `flush chain ${id}`, ...rules.map((rule) => `add rule ${id} ${rule}`)];
  }
  return [`add chain ${id}`, `flush chain ${id}`, `delete chain ${id}`];
}

export function guardElements(cables: GuardedCable[], gateways: string[] = []): Elements {
  const elements: Elements = new Map(HOLDERS.map(({ name }) => [name, []]));
  const add = (address: string, link?: string): void => {
    const of = link === undefined ? undefined : `${quoted(link)} . `;
    const put = (known: string, own: string, text: string): void => {
      elements.get(known)?.push(text);
      if (of !== undefined) elements.get(own)?.push(of + text);
    };
    if (!isV6(address)) return put("known", "own", checkedAddress(address));
    put("known6", "own6", checkedAddress(address));
    put("known_target", "own_target", asNumber(address));
  };
  for (const gateway of gateways) add(gateway);
  for (const { link, addresses } of cables) for (const address of addresses) add(address, link);
  return elements;
}

/** "fd00::2" → 0xfd000000000000000000000000000002 */
const asNumber = (address: string): string => `0x${parseAddress(checkedAddress(address))?.value.toString(16)}`;
