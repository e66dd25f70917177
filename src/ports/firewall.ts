export type AddressFamily = "ipv4" | "ipv6";

/** One bridge network as the firewall sees it. All fields are validated by the caller: names of links, addresses. */
export interface FirewallNetwork {
  bridge: string;
  /** "172.30.0.0/16", "fd00:30::/64" */
  subnets: string[];
  /** No way out and none in. */
  internal: boolean;
  /** Containers on it may talk to one another. */
  icc: boolean;
  /** Where they may not, these may. */
  allowed?: AllowedFlow[];
  /** Outgoing packets get the host's address. */
  masquerade: boolean;
  /** The host's own addresses on it: no container may speak for them. */
  gateways?: string[];
  /** Families without any translation: packets keep their addresses, and a published port only opens the container's own. */
  routed?: AddressFamily[];
}

/** What one container may reach of another on a network that keeps them apart; answers come back. */
export interface AllowedFlow {
  from: string;
  to: string;
  protocol: "tcp" | "udp" | "sctp";
  port: number;
}

export interface PublishedPort {
  protocol: "tcp" | "udp" | "sctp";
  /** "0.0.0.0": every IPv4 address of the host, "::": every IPv6 address. Of the same family as `address`, unless relayed. */
  hostAddress: string;
  hostPort: number;
  /** The container's. */
  address: string;
  port: number;
  /** The container has no address of the host address's family: not the firewall but the engine itself passes it on. */
  relayed?: true;
  /** On a network without translation: the container's port is open at its own address. There is no host port (0). */
  routed?: true;
}

/** A container's cable by its host's end, and the addresses that are the container's: no other may speak for them. */
export interface GuardedCable {
  link: string;
  addresses: string[];
}

/** A chain of the engine's table, in the kernel's words. */
export interface FirewallChain {
  name: string;
  /** "type nat hook prerouting priority dstnat; policy accept;"; "" for one that is only jumped to. */
  hook: string;
  rules: { handle: number; text: string }[];
}

/**
 * Packet rules of one engine, in a table of its own; other tables stay as they are. Every method is one atomic change,
 * synchronous, and safe to repeat. Errors: unavailable NO_FIREWALL (the tool or the kernel part is missing),
 * internal FIREWALL_FAILED.
 */
export interface Firewall {
  /**
   * Makes the tables exactly this. Ports that stay published never stop meanwhile. Where other programs' rules would stop
   * all that is forwarded, the bridges' traffic is let past; their explicit rules go first and hold.
   */
  sync(networks: FirewallNetwork[], ports: PublishedPort[], cables?: GuardedCable[]): void;
  publish(ports: PublishedPort[], cables?: GuardedCable[]): void;
  unpublish(ports: PublishedPort[], cables?: GuardedCable[]): void;
  /**
   * From now on what others take away or put in the way is noticed and put right within a second, as the last `sync` and
   * the changes since then have it.
   */
  keep(): void;
  /** What the kernel holds now; undefined: there is no table. */
  published(): PublishedPort[] | undefined;
  /** The table's name and chains as the kernel holds them now; undefined: there is no table. */
  chains(): { table: string; chains: FirewallChain[] } | undefined;
  /** Takes the tables and every rule elsewhere away. */
  remove(): void;
  /** Ends what `keep` began; all rules stay. */
  close(): void;
}
