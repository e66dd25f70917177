import { GantryError } from "../../base/errors.ts";
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

/** Chooses host ports and holds them. */
export class PortPublisher {
  private readonly deps: PortPublisherDeps;
  /** The engine's picks go round the range: a port just given up is not the next one given out. */
  private nextPick = 0;

  constructor(deps: PortPublisherDeps) {
    this.deps = deps;
  }

  /** Holds a host port for each wish, all or none. Errors: conflict PORT_TAKEN. */
  claim(wishes: PortWish[], address: string, owner: PortOwner): PublishedPort[] {
    const claimed: PublishedPort[] = [];
    try {
      for (const wish of wishes) {
        const { protocol, hostAddress, port } = wish;
        const hostPort = wish.hostPorts
          ? this.claimOneOf(wish, wish.hostPorts, claimed, owner)
          : this.pick(wish, claimed);
        claimed.push({ protocol, hostAddress, hostPort, address, port });
      }
    } catch (error) {
      this.release(claimed);
      throw error;
    }
    return claimed;
  }

  release(ports: PublishedPort[]): void {
    for (const port of ports) this.deps.reservations.release(claimOf(port));
  }

  /** Takes a port back after a restart; false: somebody else got it meanwhile. */
  reclaim(port: PublishedPort): boolean {
    return this.deps.reservations.reserve(claimOf(port));
  }

  private claimOneOf(
    wish: PortWish,
    range: { first: number; last: number },
    own: PublishedPort[],
    owner: PortOwner,
  ): number {
    for (let port = range.first; port <= range.last; port++) {
      const claim = { protocol: wish.protocol, address: wish.hostAddress, port };
      if (this.container(claim, own, owner) === undefined && this.deps.reservations.reserve(claim)) return port;
    }
    throw this.taken(wish, range.first, own, owner);
  }

  private pick(wish: PortWish, own: PublishedPort[]): number {
    const { protocol, hostAddress: address, again } = wish;
    if (again !== undefined && this.isFree({ protocol, address, port: again }, own, true)) return again;
    const { first, last } = this.deps.reservations.ephemeralRange();
    const size = last - first + 1;
    for (let tried = 0; tried < size; tried++) {
      const port = first + (this.nextPick++ % size);
      if (this.isFree({ protocol, address, port }, own, true)) return port;
    }
    throw new GantryError("unavailable", "NO_PORT_LEFT", `all ports of ${first}-${last} are taken`);
  }

  private taken(wish: PortWish, port: number, own: PublishedPort[], owner: PortOwner): GantryError {
    const { protocol, hostAddress } = wish;
    const claim = { protocol, address: hostAddress, port };
    const where = `${hostAddress}:${port}`;
    const container = this.container(claim, own, owner);
    const holder = container === undefined ? this.deps.reservations.holder(claim) : undefined;
    const reason =
      container === undefined
        ? `failed to bind port ${where}/${protocol}: listen ${protocol}4 ${where}: bind: address already in use`
        : `Bind for ${where} failed: port is already allocated`;
    const who = container
      ? `container ${container}`
      : holder
        ? `${holder.command} (pid ${holder.pid})`
        : "another program";
    const free = this.suggestion(claim, own);
    // Docker's clients show the message alone.
    const facts = `held by ${who}${free === undefined ? "" : `; port ${free} is free`}`;
    return new GantryError(
      "conflict",
      "PORT_TAKEN",
      `driver failed programming external connectivity on endpoint ${owner.containerName} (${owner.endpointId}): ${reason} (${facts})`,
      {
        ...(free === undefined ? {} : { hint: `try -p ${flagFor(wish, free)}` }),
        details: { port, protocol, container, pid: holder?.pid },
      },
    );
  }

  /** A port above that is free right now. */
  private suggestion(claim: PortClaim, own: PublishedPort[]): number | undefined {
    for (let port = claim.port + 1; port <= Math.min(claim.port + 200, 65535); port++) {
      if (this.isFree({ ...claim, port }, own, false)) return port;
    }
    return undefined;
  }

  private isFree(claim: PortClaim, own: PublishedPort[], keep: boolean): boolean {
    if (this.container(claim, own, undefined) !== undefined || !this.deps.reservations.reserve(claim)) return false;
    if (!keep) this.deps.reservations.release(claim);
    return true;
  }

  /** Name of the container that has the port. */
  private container(claim: PortClaim, own: PublishedPort[], owner: PortOwner | undefined): string | undefined {
    if (own.some((port) => clashes(port, claim))) return owner?.containerName ?? "";
    for (const sandbox of this.deps.sandboxes()) {
      if (sandbox.ports.some((port) => clashes(port, claim))) return sandbox.containerName;
    }
    return undefined;
  }
}

/** As `-p` takes it. */
const flagFor = (wish: PortWish, hostPort: number): string => {
  const address = wish.hostAddress === "0.0.0.0" ? "" : `${wish.hostAddress}:`;
  return `${address}${hostPort}:${wish.port}${wish.protocol === "tcp" ? "" : `/${wish.protocol}`}`;
};

const claimOf = (port: PublishedPort): PortClaim => ({
  protocol: port.protocol,
  address: port.hostAddress,
  port: port.hostPort,
});

const clashes = (port: PublishedPort, claim: PortClaim): boolean =>
  port.protocol === claim.protocol &&
  port.hostPort === claim.port &&
  (port.hostAddress === claim.address || port.hostAddress === "0.0.0.0" || claim.address === "0.0.0.0");
