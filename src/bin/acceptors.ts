import type http from "node:http";
import net from "node:net";
import { duplicateFd } from "../drivers/syscalls/libc.ts";

const COPIES = 15;

/**
 * Copies of a server's listening descriptor that accept for it. Node takes one connection from each descriptor in a turn of
 * its event loop, so of a crowd of clients at one door the last would wait for as many turns as there are clients.
 */
export function acceptorsFor(server: http.Server): net.Server[] {
  const fd = (server as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  if (fd < 0) return [];
  return Array.from({ length: COPIES }, () => {
    const acceptor = net.createServer({ allowHalfOpen: true }, (socket) => server.emit("connection", socket));
    return acceptor.listen({ fd: duplicateFd(fd) });
  });
}
