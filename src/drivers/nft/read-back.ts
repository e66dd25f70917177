import type { PublishedPort } from "../../ports/firewall.ts";

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
