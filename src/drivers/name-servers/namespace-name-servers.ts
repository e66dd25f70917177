import dgram from "node:dgram";
import net from "node:net";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { DnsTransport, NameServer, NameServers, UpstreamQuery } from "../../ports/name-servers.ts";
import { closeFd } from "../syscalls/libc.ts";
import { inNetworkNamespace } from "../syscalls/namespaces.ts";
import { redirectPort } from "./redirect.ts";
import { boundSocket } from "./sockets.ts";
import { TcpMessages, tcpMessage } from "./tcp-messages.ts";
import { askUpstream } from "./upstream.ts";

const ADDRESS = "127.0.0.11";
const PORT = 53;
/** Where the sockets really are: above the ports that the kernel picks, the same after a restart, so that flows go on. */
const HIDDEN_PORT = 61053;
const MOST_CONNECTIONS = 64;
const IDLE = 10_000;

type Answer = (query: Buffer, via: DnsTransport) => Promise<Buffer | undefined>;

/** Sockets are made in the container's namespace and served from here: nothing runs in the container. */
export class NamespaceNameServers implements NameServers {
  serve(netns: string, answer: Answer): NameServer {
    try {
      const { udp, tcp } = inNetworkNamespace(netns, openPair);
      return serveOn(udp, tcp, answer);
    } catch (cause) {
      const message = `name server in ${netns}: ${messageOf(cause)}`;
      throw new GantryError("internal", "NAME_SERVER_FAILED", message, { cause });
    }
  }

  ask(query: UpstreamQuery): Promise<Buffer> {
    return askUpstream(query);
  }
}

function openPair(): { udp: number; tcp: number } {
  const open: number[] = [];
  try {
    const udp = boundSocket("udp", ADDRESS, HIDDEN_PORT);
    open.push(udp.fd);
    const tcp = boundSocket("tcp", ADDRESS, HIDDEN_PORT);
    open.push(tcp.fd);
    redirectPort(ADDRESS, PORT, { udp: udp.port, tcp: tcp.port });
    return { udp: udp.fd, tcp: tcp.fd };
  } catch (error) {
    open.forEach(closeFd);
    throw error;
  }
}

function serveOn(udpFd: number, tcpFd: number, answer: Answer): NameServer {
  const udp = dgram.createSocket("udp4");
  udp.on("error", () => {}); // an ICMP error of one client is not the server's
  udp.on("message", (query, from) => {
    void answer(query, "udp").then((reply) => {
      if (reply !== undefined && open) udp.send(reply, from.port, from.address, () => {});
    });
  });
  const connections = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, answer);
  });
  server.on("error", () => {});
  server.maxConnections = MOST_CONNECTIONS;
  udp.bind({ fd: udpFd, exclusive: true });
  server.listen({ fd: tcpFd, exclusive: true });
  udp.unref();
  server.unref();
  let open = true;
  return {
    close: () => {
      if (!open) return;
      open = false;
      udp.close();
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function serveConnection(socket: net.Socket, answer: Answer): void {
  const messages = new TcpMessages();
  socket.unref();
  socket.on("error", () => socket.destroy());
  socket.setTimeout(IDLE, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    for (const query of messages.push(chunk)) {
      void answer(query, "tcp").then((reply) => {
        if (reply === undefined || socket.destroyed) return;
        // who doesn't read its answers may not ask on
        if (!socket.write(tcpMessage(reply))) socket.pause();
      });
    }
  });
  socket.on("drain", () => socket.resume());
}
