import dgram from "node:dgram";
import { familyOf } from "../../base/ip-address.ts";
import type { PortTarget } from "../../ports/port-reservations.ts";

const MOST_FLOWS = 1000;
/** Milliseconds without a datagram, either way, after which a client is forgotten. */
const IDLE = 90_000;

interface Flow {
  socket: dgram.Socket;
  timer: NodeJS.Timeout;
}

/** Reads a bound socket of IPv6, which is its own from now on, and passes datagrams on; answers go back to who asked. */
export class UdpRelay {
  target: PortTarget;
  private readonly socket = dgram.createSocket("udp6");
  /** By the client's address and port, the oldest first. */
  private readonly flows = new Map<string, Flow>();

  constructor(fd: number, target: PortTarget) {
    this.target = target;
    this.socket.on("error", () => {}); // an ICMP error of one client is not the others'
    this.socket.on("message", (bytes, from) => {
      const { address, port } = this.target;
      const flow = this.flows.get(keyOf(from)) ?? this.open(from);
      flow.timer.refresh();
      flow.socket.send(bytes, port, address, () => {});
    });
    this.socket.bind({ fd, exclusive: true });
    this.socket.unref();
  }

  close(): void {
    this.socket.close();
    for (const key of this.flows.keys()) this.forget(key);
  }

  private open(client: dgram.RemoteInfo): Flow {
    const key = keyOf(client);
    const [oldest] = this.flows.keys();
    if (this.flows.size >= MOST_FLOWS && oldest !== undefined) this.forget(oldest);
    const socket = dgram.createSocket(familyOf(this.target.address) === 6 ? "udp6" : "udp4");
    const flow = { socket, timer: setTimeout(() => this.forget(key), IDLE).unref() };
    socket.on("error", () => {});
    socket.on("message", (bytes, from) => {
      if (from.address !== this.target.address || from.port !== this.target.port || !this.flows.has(key)) return;
      flow.timer.refresh();
      this.socket.send(bytes, client.port, client.address, () => {});
    });
    socket.unref();
    this.flows.set(key, flow);
    return flow;
  }

  private forget(key: string): void {
    const flow = this.flows.get(key);
    this.flows.delete(key);
    clearTimeout(flow?.timer);
    flow?.socket.close();
  }
}

const keyOf = ({ address, port }: dgram.RemoteInfo): string => `${address} ${port}`;
