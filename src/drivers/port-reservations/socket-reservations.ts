import fs from "node:fs";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import { familyOf } from "../../base/ip-address.ts";
import type { PortClaim, PortHolder, PortReservations, PortTarget } from "../../ports/port-reservations.ts";
import { duplicateFd } from "../syscalls/libc.ts";
import {
  AF,
  bindSocket,
  closeFd,
  openSocket,
  SOCK,
  setIpv6Only,
  setReuseAddress,
  socketAddress,
} from "../syscalls/sockets.ts";
import { findHolder } from "./port-holder.ts";
import { TcpRelay } from "./tcp-relay.ts";
import { UdpRelay } from "./udp-relay.ts";

const IPPROTO_SCTP = 132;
const DEFAULT_RANGE = { first: 32768, last: 60999 };

const keyOf = (claim: PortClaim): string => `${claim.protocol} ${claim.address} ${claim.port}`;

/**
 * Holds a port by a bound socket: other programs get EADDRINUSE, and what reaches the host itself on it is refused as if
 * nobody were there, unless it is passed on.
 */
export class SocketReservations implements PortReservations {
  private readonly held = new Map<string, number>();
  private readonly relays = new Map<string, TcpRelay | UdpRelay>();

  reserve(claim: PortClaim): boolean {
    const key = keyOf(claim);
    if (this.held.has(key)) return true;
    const fd = this.bind(claim, false) ?? this.bindOverLeftovers(claim);
    if (fd === undefined) return false;
    this.held.set(key, fd);
    return true;
  }

  release(claim: PortClaim): void {
    const key = keyOf(claim);
    const fd = this.held.get(key);
    if (fd === undefined) return;
    this.held.delete(key);
    this.relays.get(key)?.close();
    this.relays.delete(key);
    if (fd >= 0) closeFd(fd);
  }

  relay(claim: PortClaim, target: PortTarget): void {
    const key = keyOf(claim);
    const fd = this.held.get(key);
    if (fd === undefined || claim.protocol === "sctp") return;
    const relay = this.relays.get(key);
    if (relay) relay.target = target;
    else this.relays.set(key, new { tcp: TcpRelay, udp: UdpRelay }[claim.protocol](duplicateFd(fd), target));
  }

  holder(claim: PortClaim): PortHolder | undefined {
    return findHolder(claim);
  }

  ephemeralRange(): { first: number; last: number } {
    try {
      const [first, last] = fs
        .readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
        .trim()
        .split(/\s+/)
        .map(Number);
      return first && last ? { first, last } : DEFAULT_RANGE;
    } catch {
      return DEFAULT_RANGE;
    }
  }

  /** Closed connections of an earlier server keep a port busy for a minute; nobody holds it then. */
  private bindOverLeftovers(claim: PortClaim): number | undefined {
    return claim.protocol === "tcp" && findHolder(claim) === undefined ? this.bind(claim, true) : undefined;
  }

  /** A descriptor, -1 where the kernel has no such protocol (nothing to hold then), or undefined if the port is taken. */
  private bind(claim: PortClaim, reuse: boolean): number | undefined {
    let fd: number;
    try {
      fd = openClaimSocket(claim);
    } catch (error) {
      if (claim.protocol === "sctp") return -1;
      throw error;
    }
    try {
      if (familyOf(claim.address) === 6) setIpv6Only(fd);
      if (reuse) setReuseAddress(fd, true);
      bindSocket(fd, socketAddress(claim.address, claim.port));
      // off again: it would let others listen beside us
      if (reuse) setReuseAddress(fd, false);
      return fd;
    } catch (error) {
      closeFd(fd);
      if (errnoOf(error) === "EADDRINUSE") return undefined;
      const words = errnoOf(error) === "EADDRNOTAVAIL" ? "cannot assign requested address" : messageOf(error);
      throw new GantryError(
        "invalid",
        "BAD_ADDRESS",
        `failed to bind host port ${claim.address}:${claim.port}/${claim.protocol}: ${words}`,
        { cause: error },
      );
    }
  }
}

function openClaimSocket({ protocol, address }: PortClaim): number {
  const domain = familyOf(address) === 6 ? AF.INET6 : AF.INET;
  if (protocol === "tcp") return openSocket(domain, SOCK.STREAM, 0);
  if (protocol === "udp") return openSocket(domain, SOCK.DGRAM, 0);
  return openSocket(domain, SOCK.STREAM, IPPROTO_SCTP);
}
