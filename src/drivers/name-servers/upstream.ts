import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { UpstreamQuery } from "../../ports/name-servers.ts";
import { inNetworkNamespace } from "../syscalls/namespaces.ts";
import { AF, openSocket, SOCK } from "../syscalls/sockets.ts";
import { TcpMessages, tcpMessage } from "./tcp-messages.ts";

const PORT = 53;
const HEADER = 12;

/** See NameServers.ask. A socket for each question: its port is one more thing that a forger has to guess. */
export async function askUpstream(request: UpstreamQuery): Promise<Buffer> {
  const id = randomInt(0x10000);
  const query = Buffer.from(request.query);
  query.writeUInt16BE(id, 0);
  const asked = questionOf(query);
  const fits = (reply: Buffer): boolean =>
    reply.length >= HEADER && reply.readUInt16BE(0) === id && (reply[2]! & 0x80) !== 0 && answers(reply, asked);
  try {
    if (net.isIP(request.server) === 0) throw new Error("not an address");
    const reply = Buffer.from(await (request.via === "udp" ? askUdp : askTcp)(request, query, fits));
    reply.writeUInt16BE(request.query.readUInt16BE(0), 0);
    return reply;
  } catch (cause) {
    throw new GantryError("unavailable", "UPSTREAM_FAILED", `${request.server}: ${messageOf(cause)}`, { cause });
  }
}

type Fits = (reply: Buffer) => boolean;

function askUdp(request: UpstreamQuery, query: Buffer, fits: Fits): Promise<Buffer> {
  const socket = dgram.createSocket({
    type: net.isIPv6(request.server) ? "udp6" : "udp4",
    lookup: (address, _options, done) => done(null, address, net.isIPv6(address) ? 6 : 4),
  });
  return settle<Buffer>(
    request,
    (resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (reply) => {
        if (fits(reply)) resolve(reply);
      });
      socket.bind({ fd: freshSocket(request, SOCK.DGRAM), exclusive: true });
      socket.once("connect", () => socket.send(query, (error) => error && reject(error)));
      socket.connect(PORT, request.server); // with a callback, that would get the errors
    },
    () => socket.close(),
  );
}

function askTcp(request: UpstreamQuery, query: Buffer, fits: Fits): Promise<Buffer> {
  const socket = new net.Socket({
    fd: freshSocket(request, SOCK.STREAM),
    pauseOnCreate: true,
  } as net.SocketConstructorOpts);
  const messages = new TcpMessages();
  return settle<Buffer>(
    request,
    (resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("connection closed")));
      socket.on("data", (chunk: Buffer) => {
        const reply = messages.push(chunk).find(fits);
        if (reply) resolve(reply);
      });
      socket.connect(PORT, request.server, () => {
        socket.resume(); // a descriptor's socket would read before it is connected
        socket.write(tcpMessage(query));
      });
    },
    () => socket.destroy(),
  );
}

/** Settles once, by `start`, the time-out or the signal, and cleans up then. */
function settle<T>(
  { timeout, signal }: UpstreamQuery,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  cleanUp: () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    const once =
      <V>(pass: (value: V) => void) =>
      (value: V): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        cleanUp();
        pass(value);
      };
    const fail = once<Error>(reject);
    const aborted = (): void => fail(new Error("given up"));
    const timer = setTimeout(() => fail(new Error("i/o timeout")), timeout);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) return aborted();
    try {
      start(once(resolve), fail);
    } catch (error) {
      fail(error as Error);
    }
  });
}

function freshSocket({ netns, server }: UpstreamQuery, type: number): number {
  const open = (): number => openSocket(net.isIPv6(server) ? AF.INET6 : AF.INET, type, 0);
  return netns === undefined ? open() : inNetworkNamespace(netns, open);
}

/** The first question's bytes, as they are written. */
function questionOf(message: Buffer): Buffer {
  let at = HEADER;
  while (at < message.length && message[at] !== 0 && message[at]! < 0xc0) at += 1 + message[at]!;
  return message.subarray(HEADER, Math.min(message.length, at + 5));
}

/** Some servers write names in their own case. */
const answers = (reply: Buffer, asked: Buffer): boolean =>
  reply.toString("latin1", HEADER, HEADER + asked.length).toLowerCase() === asked.toString("latin1").toLowerCase();
