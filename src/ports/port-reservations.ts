export interface PortClaim {
  protocol: "tcp" | "udp" | "sctp";
  /** "0.0.0.0": every IPv4 address of the host; "::": every IPv6 one. */
  address: string;
  port: number;
}

/** A process of the host that has a port. */
export interface PortHolder {
  pid: number;
  command: string;
}

/** A container's address and port. */
export interface PortTarget {
  address: string;
  port: number;
}

/**
 * Holds ports of the host against other programs, without answering on them unless told. Reservations end with this
 * process: a restart makes them again. Synchronous.
 */
export interface PortReservations {
  /** True: now held, or held already by this object. False: another process has it. invalid BAD_ADDRESS: not an address of this host. */
  reserve(claim: PortClaim): boolean;
  /** What reaches the host itself on a held port, of TCP or UDP, is passed on from now on, by this process. */
  relay(claim: PortClaim, target: PortTarget): void;
  /** Unknown ones are fine. */
  release(claim: PortClaim): void;
  /** Who has it, if that can be seen. */
  holder(claim: PortClaim): PortHolder | undefined;
  /** The range from which free ports are picked: net.ipv4.ip_local_port_range. */
  ephemeralRange(): { first: number; last: number };
}
