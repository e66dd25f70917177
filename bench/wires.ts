import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { run, type Side } from "./side.ts";

/** Asks for a line at an address again and again until one comes, and says "done". */
const ASKER = `
  const net = require("net");
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [host, port] = line.split(" ");
    const ask = () => {
      let heard = false;
      const socket = net.connect({ host, port: +port });
      socket.on("error", () => {});
      socket.on("data", () => { heard = true; socket.destroy(); });
      socket.on("close", () => heard ? console.log("done") : setTimeout(ask, 1));
    };
    ask();
  });
  console.log("ready");`;

/** A machine on the wire of an engine's host: what it asks for comes in as from outside. */
export interface Neighbour {
  side: Side;
  /** The engine's host's address on the wire. */
  host: string;
  /** Words before a command that make it run on the neighbour. */
  on: string[];
  /** Resolves when a connection to the host's port has got a first byte. */
  answered(port: number): Promise<void>;
  stop(): void;
}

export async function neighbourOf(side: Side, number: number): Promise<Neighbour> {
  const child: ChildProcess = spawn("unshare", ["--net", process.execPath, "-e", ASKER], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout! });
  await once(lines, "line");
  const here = ["nsenter", `--net=${side.netns}`];
  const on = ["nsenter", `--net=/proc/${child.pid}/ns/net`];
  const host = `10.248.${number}.1`;
  const ip = (where: string[], text: string): Promise<string> => run(where[0]!, [where[1]!, "ip", ...text.split(" ")]);
  await ip(here, `link add wire type veth peer name wire netns ${child.pid}`);
  for (const [where, address] of [
    [here, host],
    [on, `10.248.${number}.2`],
  ] as const) {
    await ip(where, `addr add ${address}/24 dev wire`);
    await ip(where, "link set wire up");
  }
  return {
    ...{ side, host, on },
    answered: async (port) => {
      child.stdin!.write(`${host} ${port}\n`);
      await once(lines, "line");
    },
    stop: () => void child.kill(),
  };
}
