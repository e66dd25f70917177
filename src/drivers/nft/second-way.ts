import type { PublishedPort } from "../../ports/firewall.ts";
import { isV6 } from "./checked.ts";
import { hostSide } from "./elements.ts";
import type { Elements, TablePlan } from "./table.ts";

const FAMILIES = {
  ip: { type: "ipv4_addr", loopback: "127.0.0.1", mine: (port: PublishedPort) => !isV6(port.hostAddress) },
  ip6: { type: "ipv6_addr", loopback: "::1", mine: (port: PublishedPort) => isV6(port.hostAddress) },
} as const;

/**
 * The tables that make published ports obey the host's rules for incoming packets, whatever made those rules. A new
 * connection from outside is not translated as it comes in, so that it goes the way of one to the host itself, through
 * all chains at input. If it is still there at the very end the host wants it: a copy of the packet is sent off as if
 * the host had made it, with its sender kept, and the translation at output takes it to the container; the first
 * packet is dropped. Further packets of that connection know their way.
 */
export const planSecondWay = (name: string, ports: PublishedPort[]): TablePlan[] =>
  (["ip", "ip6"] as const).map((family) => planFamily(family, name, ports));

export function secondWayElements(family: "ip" | "ip6", ports: PublishedPort[]): Elements {
  const elements: Elements = new Map([
    ["guarded", []],
    ["guarded_any", []],
  ]);
  for (const port of ports.filter(FAMILIES[family].mine)) {
    const host = hostSide(port);
    if (host) elements.get(host.any ? "guarded_any" : "guarded")?.push(host.key);
  }
  return elements;
}

function planFamily(family: "ip" | "ip6", name: string, ports: PublishedPort[]): TablePlan {
  const { type, loopback } = FAMILIES[family];
  const guarded = [`${family} daddr . meta l4proto . th dport @guarded`, "meta l4proto . th dport @guarded_any"];
  return {
    family,
    name,
    holders: [
      { kind: "set", name: "guarded", type: `type ${type} . inet_proto . inet_service` },
      { kind: "set", name: "guarded_any", type: "type inet_proto . inet_service" },
    ],
    chains: [
      { name: "again", rules: [`dup to ${loopback} device "lo"`, "drop"] },
      {
        name: "accepted",
        // after every filter; the kernel itself confirms the connection later still
        hook: "type filter hook input priority 1000; policy accept;",
        rules: ['iifname "lo" accept', ...guarded.map((match) => `ct state new ${match} jump again`)],
      },
      {
        name: "output",
        hook: "type filter hook output priority raw; policy accept;",
        // copies are made untracked; this has them tracked, and so translated
        rules: guarded.map((match) => `oifname "lo" ct state untracked ${match} ct zone set 0`),
      },
    ],
    elements: secondWayElements(family, ports),
  };
}
