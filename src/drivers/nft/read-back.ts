import type { FirewallChain, PublishedPort } from "../../ports/firewall.ts";

type Concat = { concat: [string, ...(string | number)[]] };

interface Listing {
  nftables: { map?: { name: string; elem?: [Concat, Concat][] } }[];
}

/** The published ports in `nft -j list table`. */
export function parsePublished(json: string): PublishedPort[] {
  const ports: PublishedPort[] = [];
  for (const { map } of (JSON.parse(json) as Listing).nftables) {
    if (map === undefined) continue;
    for (const [key, value] of map.elem ?? []) {
      const fixed = map.name === "published";
      const [protocol, hostPort] = fixed ? key.concat.slice(1) : key.concat;
      ports.push({
        protocol: protocol as PublishedPort["protocol"],
        hostAddress: fixed ? key.concat[0] : "0.0.0.0",
        hostPort: Number(hostPort),
        address: value.concat[0],
        port: Number(value.concat[1]),
      });
    }
  }
  return ports;
}

/** The chains in the text of `nft -a list table`. */
export function parseChains(text: string): FirewallChain[] {
  const chains: FirewallChain[] = [];
  let open: FirewallChain | undefined;
  for (const line of text.split("\n").map((row) => row.trim())) {
    const name = /^chain (\S+) \{/.exec(line)?.[1];
    if (name !== undefined) chains.push((open = { name, hook: "", rules: [] }));
    else if (line === "}") open = undefined;
    else if (open !== undefined && line.startsWith("type ")) open.hook = line;
    else if (open !== undefined) {
      const [, rule, handle] = /^(.*) # handle (\d+)$/.exec(line) ?? [];
      if (rule !== undefined) open.rules.push({ handle: Number(handle), text: rule });
    }
  }
  return chains;
}
