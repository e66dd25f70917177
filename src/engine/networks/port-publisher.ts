import { GantryError } from "../../base/errors.ts";
import { familyOf, type IpFamily } from "../../base/ip-address.ts";
import type { PublishedPort } from "../../ports/firewall.ts";
import type { PortClaim, PortReservations } from "../../ports/port-reservations.ts";
import type { PortWish } from "./port-plan.ts";
import type { SandboxRecord } from "./record.ts";

export interface PortPublisherDeps {
  reservations: PortReservations;
  /** All containers that have ports now. */
  sandboxes: () => Iterable<SandboxRecord>;
}

/** For error texts: whose ports these are. */
export interface PortOwner {
  containerName: string;
  endpointId: string;
}

/** A container's address. */
export interface PortPlace {
  address: string;
  /** Packets go there by it: there is no host port. */
  routed: boolean;
  /** It is of the other family. */
  relayed?: true;
}

export type PortPlaces = Partial<Record<IpFamily, PortPlace>>;

interface ClaimFacts {
  /** What the same claim has got so far. */
  own: PublishedPort[];
  /** What the container had before. */
  held: (PublishedPort | null)[];
  owner: PortOwner;
}

/** Chooses host ports and holds them. */
export class PortPublisher {
  private readonly deps: PortPublisherDeps;
  /** The engine's picks go round the range: a port just given up is not the next one given out. */
  private nextPick = 0;

  constructor(deps: PortPublisherDeps) {
    this.deps = deps;
  }

  /**
   * Holds host ports for wishes, all or none: one for each of a family that has a place, null for the others. What is
   * `held` already stays at its host port. Errors: conflict PORT_TAKEN.
   */
  claim(
    wishes: PortWish[],
    places: PortPlaces,
    owner: PortOwner,
    held: (PublishedPort | null)[] = [],
  ): (PublishedPort | null)[] {
    const claimed: (PublishedPort | null)[] = [];
    try {
      for (const [from, wish] of wishes.entries()) {
        if (from < claimed.length) continue;
        const group = [wish, ...wishes.slice(from + 1, from + 2).filter(({ twin }) => twin)];
        const placed = group.filter((one) => placeOf(one, places)?.routed === false);
        const before = held.slice(from, from + group.length).find((port) => port && !port.routed);
        const own = claimed.filter((port) => port !== null);
        const hostPort = placed.length === 0 ? 0 : this.hostPortFor(placed, before?.hostPort, { own, held, owner });
        claimed.push(...group.map((one) => publishedAt(one, hostPort, placeOf(one, places))));
      }
      for (const port of claimed) if (port) this.relay(port);
    } catch (error) {
      this.release(claimed.filter((port) => port !== null && !held.some((other) => other && isSamePort(other, port))));
      throw error;
    }
    return claimed;
  }

  release(ports: (PublishedPort | null)[]): void {
    for (const port of ports) if (port && !port.routed) this.deps.reservations.release(claimOf(port));
  }

  /** Takes a port back after a restart; false: somebody else got it meanwhile. */
  reclaim(port: PublishedPort): boolean {
    if (port.routed) return true;
    if (!this.deps.reservations.reserve(claimOf(port))) return false;
    this.relay(port);
    return true;
  }

  /** Passes on what no packet rule can: between families, and from ::1, to which the kernel takes no answer from a bridge. */
  private relay(port: PublishedPort): void {
    if (port.routed || !(port.relayed || port.hostAddress === "::" || port.hostAddress === "::1")) return;
    this.deps.reservations.relay(claimOf(port), { address: port.address, port: port.port });
  }

  /** One host port for all of them, held. */
  private hostPortFor(wishes: PortWish[], before: number | undefined, facts: ClaimFacts): number {
    const [first] = wishes as [PortWish];
    if (before !== undefined && this.reserveAll(wishes, before, facts)) return before;
    const range = first.hostPorts;
    if (range === undefined) return this.pick(wishes, facts);
    for (let port = range.first; port <= range.last; port++) if (this.reserveAll(wishes, port, facts)) return port;
    throw this.taken(wishes, range.first, facts);
  }

  private pick(wishes: PortWish[], facts: ClaimFacts): number {
    const again = wishes[0]?.again;
    if (again !== undefined && this.reserveAll(wishes, again, facts)) return again;
    const { first, last } = this.deps.reservations.ephemeralRange();
    const size = last - first + 1;
    for (let tried = 0; tried < size; tried++) {
      const port = first + (this.nextPick++ % size);
      if (this.reserveAll(wishes, port, facts)) return port;
    }
    throw new GantryError("unavailable", "NO_PORT_LEFT", `all ports of ${first}-${last} are taken`);
  }

  /** True: all hold it now. False: none does that didn't before. */
  private reserveAll(wishes: PortWish[], port: number, facts: ClaimFacts): boolean {
    const claims = wishes.map((wish) => claimFor(wish, port));
    const failed = claims.findIndex((claim) => !this.reserve(claim, facts));
    if (failed === -1) return true;
    const keeps = (claim: PortClaim): boolean =>
      facts.held.some((other) => other && isSameClaim(claimOf(other), claim));
    for (const claim of claims.slice(0, failed)) if (!keeps(claim)) this.deps.reservations.release(claim);
    return false;
  }

  private reserve(claim: PortClaim, facts: ClaimFacts): boolean {
    return this.container(claim, facts) === undefined && this.deps.reservations.reserve(claim);
  }

  private taken(wishes: PortWish[], port: number, facts: ClaimFacts): GantryError {
    const { owner } = facts;
    const wish = wishes.find((one) => !this.isFree([one], port, facts)) ?? (wishes[0] as PortWish);
    const { protocol, hostAddress } = wish;
    const family = familyOf(hostAddress);
    const claim = claimFor(wish, port);
    const where = `${bracketed(hostAddress)}:${port}`;
    const container = this.container(claim, facts);
    const holder = container === undefined ? this.deps.reservations.holder(claim) : undefined;
    const reason =
      container === undefined
        ? `failed to bind port ${where}/${protocol}: listen ${protocol}${family} ${where}: bind: address already in use`
        : `Bind for ${where} failed: port is already allocated`;
    const who = container
      ? `container ${container}`
      : holder
        ? `${holder.command} (pid ${holder.pid})`
        : "another program";
    const free = this.suggestion(wishes, port, facts);
    // Docker's clients show the message alone.
    const holding = `held by ${who}${free === undefined ? "" : `; port ${free} is free`}`;
    return new GantryError(
      "conflict",
      "PORT_TAKEN",
      `driver failed programming external connectivity on endpoint ${owner.containerName} (${owner.endpointId}): ${reason} (${holding})`,
      {
        ...(free === undefined ? {} : { hint: `try -p ${flagFor(wish, free)}` }),
        details: { port, protocol, container, pid: holder?.pid },
      },
    );
  }

  /** A port above that is free right now. */
  private suggestion(wishes: PortWish[], above: number, facts: ClaimFacts): number | undefined {
    for (let port = above + 1; port <= Math.min(above + 200, 65535); port++) {
      if (this.isFree(wishes, port, facts)) return port;
    }
    return undefined;
  }

  private isFree(wishes: PortWish[], port: number, facts: ClaimFacts): boolean {
    if (!this.reserveAll(wishes, port, facts)) return false;
    for (const wish of wishes) this.deps.reservations.release(claimFor(wish, port));
    return true;
  }

  /** Name of the container that has the port. */
  private container(claim: PortClaim, { own, held, owner }: ClaimFacts): string | undefined {
    if (own.some((port) => clashes(port, claim))) return owner.containerName;
    for (const sandbox of this.deps.sandboxes()) {
      const taken = sandbox.ports.some((port) => port && !held.includes(port) && clashes(port, claim));
      if (taken) return sandbox.containerName;
    }
    return undefined;
  }
}

const bracketed = (address: string): string => (familyOf(address) === 6 ? `[${address}]` : address);

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::";

/** As `-p` takes it. */
const flagFor = (wish: PortWish, hostPort: number): string => {
  const address = isAny(wish.hostAddress) ? "" : `${bracketed(wish.hostAddress)}:`;
  return `${address}${hostPort}:${wish.port}${wish.protocol === "tcp" ? "" : `/${wish.protocol}`}`;
};

const placeOf = ({ hostAddress, protocol }: PortWish, places: PortPlaces): PortPlace | undefined => {
  const place = places[familyOf(hostAddress)];
  return place?.relayed && protocol === "sctp" ? undefined : place;
};

function publishedAt(wish: PortWish, hostPort: number, place: PortPlace | undefined): PublishedPort | null {
  if (place === undefined) return null;
  const { protocol, hostAddress, port } = wish;
  const { address, routed, relayed } = place;
  return routed
    ? { protocol, hostAddress, hostPort: 0, address, port, routed }
    : { protocol, hostAddress, hostPort, address, port, ...(relayed && { relayed }) };
}

const claimFor = ({ protocol, hostAddress: address }: PortWish, port: number): PortClaim => ({
  protocol,
  address,
  port,
});

const claimOf = (port: PublishedPort): PortClaim => ({
  protocol: port.protocol,
  address: port.hostAddress,
  port: port.hostPort,
});

const isSameClaim = (a: PortClaim, b: PortClaim): boolean =>
  a.protocol === b.protocol && a.address === b.address && a.port === b.port;

/** The same place on the host. */
export const isSamePort = (a: PublishedPort, b: PublishedPort): boolean => isSameClaim(claimOf(a), claimOf(b));

const clashes = (port: PublishedPort, claim: PortClaim): boolean =>
  !port.routed &&
  port.protocol === claim.protocol &&
  port.hostPort === claim.port &&
  familyOf(port.hostAddress) === familyOf(claim.address) &&
  (port.hostAddress === claim.address || isAny(port.hostAddress) || isAny(claim.address));
