import dgram from "node:dgram";
import dns from "node:dns/promises";
import { setImmediate, setTimeout } from "node:timers/promises";
import { errnoOf, GantryError } from "../../base/errors.ts";
import { connectUnixDatagrams } from "../syscalls/unix-datagram.ts";
import { dialError, unreachable } from "./dial-error.ts";

/** Milliseconds until a receiver with a full queue is tried again. */
const PAUSE = 5;
/** Sends in a row that others wait for. */
const TURN = 32;

/** A way to send messages each on its own. */
export interface Datagrams {
  /** One that is too long for the kernel is left out. */
  send(bytes: Buffer): Promise<void>;
  close(): void;
}

/** Errors: unavailable LOG_UNREACHABLE for a name that has no address. */
export async function udpTo(host: string, port: number): Promise<Datagrams> {
  const found = await dns.lookup(host || "127.0.0.1").catch((error: unknown) => {
    throw dialError("udp", `${host}:${port}`, error);
  });
  const socket = dgram.createSocket(found.family === 6 ? "udp6" : "udp4");
  socket.unref();
  socket.on("error", () => {}); // every send says it too
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, port, found.address, (error) => {
          if (error && !passes(error)) reject(dialError("udp", `${found.address}:${port}`, error));
          else resolve();
        });
      }),
    close: () => socket.close(),
  };
}

/** Errors: unavailable LOG_UNREACHABLE. */
export function unixDatagramsTo(path: string): Datagrams {
  const dial = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof GantryError ? error : dialError("unixgram", path, error);
    }
  };
  const socket = dial(() => connectUnixDatagrams(path));
  let open = true;
  let sends = 0;
  return {
    async send(bytes) {
      if (++sends % TURN === 0) await setImmediate();
      for (;;) {
        if (!open) throw unreachable("the connection is closed");
        try {
          if (dial(() => socket.send(bytes))) return;
        } catch (error) {
          if (error instanceof Error && passes(error.cause)) return;
          throw error;
        }
        await setTimeout(PAUSE);
      }
    },
    close() {
      if (open) socket.close();
      open = false;
    },
  };
}

/** Trying again would not help, and the log must go on. */
const passes = (error: unknown): boolean => errnoOf(error) === "EMSGSIZE";
