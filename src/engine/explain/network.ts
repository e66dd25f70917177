import type {
  ByHand,
  ExplainedLink,
  ExplainedPort,
  FirewallRuleText,
  NetworkExplanation,
  NetworkSection,
} from "../../base/explanation.ts";
import type { FirewallChain, PublishedPort } from "../../ports/firewall.ts";
import type { LinkState, NetworkState } from "../../ports/links.ts";
import type { NetworkRecord } from "../networks/record.ts";
import type { NetworkView } from "../networks/render.ts";
import { parseResolvConf } from "../networks/resolv.ts";
import { isSublinkDriver } from "../networks/sublink-plan.ts";
import { subnetWith } from "../networks/subnet-plan.ts";
import { byHand, word } from "./words.ts";

export interface FirewallState {
  table: string;
  chains: FirewallChain[];
  published: PublishedPort[];
}

export interface NetworkFacts {
  pid: number;
  mode: string;
  namespace: NetworkSection["namespace"];
  /** Name of the container whose namespace it is. */
  of?: string;
  inside: NetworkState;
  host: NetworkState;
  networks: readonly NetworkRecord[];
  /** How networks are made worse for it, in words by their names. */
  shapes: Record<string, string>;
  firewall: FirewallState | undefined;
  /** Texts of the files in /etc, and the first one's path on the host. */
  resolvConf: string;
  hosts: string;
  resolvConfFile: string;
}

const isIpv6 = (text: string): boolean => text.includes(":");

const bare = (address: string): string => address.split("/")[0] ?? "";

function linkOf(link: LinkState, facts: NetworkFacts): ExplainedLink {
  const { index, name, kind, up, mtu, mac, addresses } = link;
  const shown = { index, name, kind, up, mtu, mac, addresses };
  if (facts.namespace === "host" || link.peer === 0) return shown;
  if (isSublinkDriver(kind)) return { ...shown, ...sublinkOf(link, facts) };
  const end = facts.host.links.find((candidate) => candidate.index === link.peer && candidate.peer === link.index);
  const bridge = end && facts.host.links.find((candidate) => candidate.index === end.master);
  if (end === undefined || bridge === undefined) return shown;
  const network = facts.networks.find((record) => record.bridge?.link === bridge.name)?.name;
  return {
    ...shown,
    host: { name: end.name, index: end.index, bridge: bridge.name, bridgeAddresses: bridge.addresses },
    ...(network !== undefined && { network, ...(facts.shapes[network] && { shape: facts.shapes[network] }) }),
  };
}

function sublinkOf(link: LinkState, facts: NetworkFacts): Pick<ExplainedLink, "parent" | "network"> {
  const parent = facts.host.links.find(({ index }) => index === link.peer);
  if (parent === undefined) return {};
  const { name, index } = parent;
  const network = facts.networks.find(
    (record) =>
      record.sublink?.parent === name &&
      link.addresses.some((address) => subnetWith(record, bare(address)) !== undefined),
  );
  return { parent: { name, index }, ...(network && { network: network.name }) };
}

/** The rules that name one of these bridges or subnets, and, where ports are published, those that lead to them. */
export function rulesAbout(
  chains: readonly FirewallChain[],
  { bridges, subnets, published }: { bridges: readonly string[]; subnets: readonly string[]; published: boolean },
): FirewallRuleText[] {
  const about = (text: string): boolean =>
    bridges.some((name) => text.includes(`"${name}"`)) ||
    subnets.some((subnet) => text.split(" ").includes(subnet)) ||
    (published && text.includes("@published"));
  return chains.flatMap(({ name, rules }) =>
    rules.filter(({ text }) => about(text)).map(({ handle, text }) => ({ chain: name, handle, text })),
  );
}

const portOf = ({ protocol, hostAddress, hostPort, address, port }: PublishedPort): ExplainedPort => ({
  ...{ protocol, hostAddress, hostPort, address, port },
});

/** The element of one of the maps that a published port is. */
function elementByHand(table: string, port: ExplainedPort): ByHand {
  const any = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
  const key = `${any ? "" : `${port.hostAddress} . `}${port.protocol} . ${port.hostPort}`;
  const map = `published${port.hostAddress.includes(":") ? "6" : ""}${any ? "_any" : ""}`;
  return byHand(
    `nft get element inet ${table} ${map} '{ ${key} }'`,
    `where host port ${port.hostPort}/${port.protocol} leads`,
  );
}

/** The way of a packet, from the container's link to the host's port. Pure. */
export function explainNetwork(facts: NetworkFacts): NetworkSection {
  const { pid, namespace, inside, networks } = facts;
  const links = inside.links.map((link) => linkOf(link, facts));
  const bridges = [...new Set(links.flatMap(({ host }) => host?.bridge ?? []))];
  const subnets = networks.flatMap((network) =>
    network.bridge && bridges.includes(network.bridge.link) ? network.subnets.map(({ subnet }) => subnet) : [],
  );
  const own = new Set(links.flatMap(({ addresses }) => addresses.map(bare)));
  const { table, chains = [], published = [] } = facts.firewall ?? {};
  const ports = namespace === "host" ? [] : published.filter(({ address }) => own.has(address)).map(portOf);
  const resolv = parseResolvConf(facts.resolvConf);
  const enter = namespace === "host" ? "" : `nsenter -t ${pid} -n `;
  const [plugged] = links.flatMap(({ host }) => host ?? []);
  const sublink = links.find(({ parent }) => parent);
  return {
    mode: facts.mode,
    namespace,
    ...(facts.of !== undefined && { of: facts.of }),
    links,
    routes: inside.routes,
    ...(table !== undefined &&
      bridges.length > 0 && {
        firewall: { table, rules: rulesAbout(chains, { bridges, subnets, published: ports.length > 0 }), ports },
      }),
    dns: {
      nameservers: resolv.nameservers,
      search: resolv.search,
      hosts: facts.hosts
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#")),
      file: facts.resolvConfFile,
    },
    byHand: [
      byHand(`${enter}ip -br addr`, "links and addresses as the container has them"),
      byHand(`${enter}ip route`, "where packets go next"),
      ...(inside.routes.some(({ to, via }) => isIpv6(to) || isIpv6(via))
        ? [byHand(`${enter}ip -6 route`, "the same of IPv6")]
        : []),
      ...(plugged === undefined
        ? []
        : [
            byHand(
              `ip -d link show ${word(plugged.name)}`,
              "the host's end of the cable; its alias names the container",
            ),
            ...(links.some(({ shape }) => shape !== undefined)
              ? [
                  byHand(
                    `tc -s qdisc show dev ${word(plugged.name)}; nft list ruleset netdev`,
                    "what makes the cable worse",
                  ),
                ]
              : []),
            byHand(`ip -br link show master ${word(plugged.bridge)}`, "everything that is plugged into the bridge"),
          ]),
      ...(sublink?.parent === undefined
        ? []
        : [
            byHand(
              `${enter}ip -d link show ${word(sublink.name)}`,
              `its kind and mode; the number behind @ is ${sublink.parent.name}'s on the host`,
            ),
            byHand(`ip -d link show ${word(sublink.parent.name)}`, "the host's link that it is on"),
          ]),
      ...(table === undefined || bridges.length === 0
        ? []
        : [
            byHand(`nft -a list table inet ${word(table)}`, "all of the engine's rules"),
            ...ports.slice(0, 2).map((port) => elementByHand(table, port)),
          ]),
      byHand(`cat /proc/${pid}/root/etc/resolv.conf`, "whom it asks for names"),
    ],
  };
}

/** What a macvlan or ipvlan network is in the kernel: its parent, for the links themselves are in the containers. */
function parentFacts(
  { sublink, subnets }: NetworkRecord,
  host: NetworkState,
): Pick<NetworkExplanation, "parent" | "mode" | "subnets"> {
  if (sublink === undefined) return {};
  const link = host.links.find(({ name }) => name === sublink.parent);
  const { type, make } = sublink;
  return {
    ...(link && {
      parent: {
        ...{ name: link.name, index: link.index, up: link.up, mtu: link.mtu, mac: link.mac },
        made: make !== undefined,
      },
    }),
    mode: type.kind === "ipvlan" && type.flag !== "bridge" ? `${type.mode} ${type.flag}` : type.mode,
    subnets: subnets.map(({ subnet }) => subnet),
  };
}

/** A network: its bridge as the kernel has it, who is plugged in, and the rules about it. Pure. */
export function explainNetworkObject(facts: {
  record: NetworkRecord;
  view: NetworkView;
  host: NetworkState;
  firewall: FirewallState | undefined;
}): NetworkExplanation {
  const { record, view, host } = facts;
  const link = host.links.find(({ name }) => name === record.bridge?.link);
  const cables = link === undefined ? [] : host.links.filter(({ master }) => master === link.index);
  const members = Object.entries(view.Containers).map(([id, member]) => {
    const cable = cables.find(({ name }) => name.length > 2 && member.EndpointID.startsWith(name.slice(2)));
    return {
      container: member.Name || id,
      addresses: [member.IPv4Address, member.IPv6Address].filter((address) => address !== ""),
      mac: member.MacAddress,
      cable: cable?.name ?? "",
      link: cable === undefined ? "" : cable.up ? "up" : "down",
    };
  });
  const { table, chains = [], published = [] } = facts.firewall ?? {};
  const addresses = new Set(members.flatMap((member) => member.addresses.map(bare)));
  const ports = published.filter(({ address }) => addresses.has(address)).map(portOf);
  const { bridge } = record;
  const subnets = record.subnets.map(({ subnet }) => subnet);
  return {
    kind: "network",
    ...{ id: record.id, name: record.name, driver: record.driver, internal: record.internal },
    ...(bridge &&
      link && {
        bridge: {
          ...{ name: link.name, index: link.index, up: link.up, mtu: link.mtu, mac: link.mac },
          ...{ addresses: link.addresses, subnet: subnets.join(", ") },
        },
      }),
    ...parentFacts(record, host),
    members,
    ...(table !== undefined &&
      bridge && {
        firewall: {
          table,
          rules: rulesAbout(chains, { bridges: [bridge.link], subnets, published: ports.length > 0 }),
          ports,
        },
      }),
    byHand: linkByHand(
      record,
      link !== undefined,
      facts.firewall === undefined ? undefined : { table: facts.firewall.table, ports },
    ),
  };
}

function linkByHand(
  { bridge, sublink }: NetworkRecord,
  isThere: boolean,
  firewall: { table: string; ports: ExplainedPort[] } | undefined,
): ByHand[] {
  if (sublink) {
    return [byHand(`ip -d link show ${word(sublink.parent)}`, "the host's link that the containers' own are on")];
  }
  if (bridge === undefined || !isThere) return [byHand("ip -br addr", "the host's own links and addresses")];
  const name = word(bridge.link);
  return [
    byHand(`ip -d addr show ${name}`, "the bridge: a switch inside the kernel, with the host's address on it"),
    byHand(`ip -br link show master ${name}`, "what is plugged into it"),
    byHand(`ip route show dev ${name}`, "what the host sends there"),
    ...(firewall === undefined
      ? []
      : [
          byHand(`nft -a list table inet ${word(firewall.table)}`, "all of the engine's rules"),
          ...firewall.ports.slice(0, 2).map((port) => elementByHand(firewall.table, port)),
        ]),
  ];
}
