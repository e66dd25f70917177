import type { FirewallChain, PublishedPort } from "../../ports/firewall.ts";
import type { Shape } from "./table.ts";

type Text = string | number;
interface Concat {
  concat: Text[];
}

interface Listing {
  nftables: {
    map?: { name: string; elem?: [Concat, Concat][] };
    set?: { name: string; elem?: Concat[] };
    chain?: { name: string };
    rule?: { chain: string };
  }[];
}

const protocolOf = (text: Text | undefined): PublishedPort["protocol"] => text as PublishedPort["protocol"];

function published(name: string, key: Concat, value: Concat): PublishedPort {
  const any = name.endsWith("_any");
  const [protocol, hostPort] = any ? key.concat : key.concat.slice(1);
  const everywhere = name.includes("6") ? "::" : "0.0.0.0";
  return {
    protocol: protocolOf(protocol),
    hostAddress: any ? everywhere : String(key.concat[0]),
    hostPort: Number(hostPort),
    address: String(value.concat[0]),
    port: Number(value.concat[1]),
  };
}

const opened = (name: string, { concat: [address, protocol, port] }: Concat): PublishedPort => ({
  protocol: protocolOf(protocol),
  hostAddress: name.includes("6") ? "::" : "0.0.0.0",
  hostPort: 0,
  address: String(address),
  port: Number(port),
  routed: true,
});

/** The published ports in `nft -j list table`. */
export function parsePublished(json: string): PublishedPort[] {
  return (JSON.parse(json) as Listing).nftables.flatMap(({ map, set }) => {
    if (map?.name.startsWith("published"))
      return (map.elem ?? []).map(([key, value]) => published(map.name, key, value));
    if (set?.name.startsWith("opened")) return (set.elem ?? []).map((element) => opened(set.name, element));
    return [];
  });
}

/** The measure of the table in `nft -j list table`. */
export function parseShape(json: string): Shape {
  const shape: Shape = new Map();
  for (const { map, set, chain, rule } of (JSON.parse(json) as Listing).nftables) {
    if (map) shape.set(`map ${map.name}`, map.elem?.length ?? 0);
    if (set) shape.set(`set ${set.name}`, set.elem?.length ?? 0);
    if (chain) shape.set(`chain ${chain.name}`, 0);
    if (rule) shape.set(`chain ${rule.chain}`, (shape.get(`chain ${rule.chain}`) ?? 0) + 1);
  }
  return shape;
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
