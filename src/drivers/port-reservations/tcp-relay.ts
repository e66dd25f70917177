import net from "node:net";
import type { PortTarget } from "../../ports/port-reservations.ts";
import { setReuseAddress } from "../syscalls/sockets.ts";

/** A flood of one port leaves descriptors to the rest of the engine. */
const MOST_CONNECTIONS = 1000;

/** Listens on a bound socket, which is its own from now on, and passes each connection on, both ways and half-closed ones too. */
export class TcpRelay {
  target: PortTarget;
  private readonly server: net.Server;
  private readonly clients = new Set<net.Socket>();

  constructor(fd: number, target: PortTarget) {
    this.target = target;
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.passOn(client));
    this.server.maxConnections = MOST_CONNECTIONS;
    this.server.on("error", () => {}); // connections are refused then, as without a relay
    // what it accepts inherits this: closed connections that linger don't keep the next engine off the port
    setReuseAddress(fd, true);
    this.server.listen({ fd, exclusive: true });
    this.server.unref();
  }

  close(): void {
    this.server.close();
    for (const client of this.clients) client.destroy();
  }

  private passOn(client: net.Socket): void {
    const { address, port } = this.target;
    const there = net.connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    this.clients.add(client);
    for (const socket of [client, there]) socket.unref();
    // a container that refuses is to look like one, whichever way it was asked
    there.on("error", () => client.resetAndDestroy());
    client.on("error", () => there.resetAndDestroy());
    there.once("close", () => client.destroySoon());
    client.once("close", () => {
      this.clients.delete(client);
      there.destroy();
    });
    client.pipe(there).pipe(client);
  }
}
