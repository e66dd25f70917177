import { execFileSync, spawn } from "node:child_process";
import crypto from "node:crypto";
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { NamespaceNameServers } from "../../src/drivers/name-servers/namespace-name-servers.ts";
import { NetlinkLinks } from "../../src/drivers/netlink/netlink-links.ts";
import { NetlinkSublinks } from "../../src/drivers/netlink/netlink-sublinks.ts";
import { NftFirewall } from "../../src/drivers/nft/nft-firewall.ts";
import { SocketReservations } from "../../src/drivers/port-reservations/socket-reservations.ts";
import { NetlinkTraffic } from "../../src/drivers/traffic/netlink-traffic.ts";
import { declare } from "../../src/drivers/syscalls/libc.ts";
import { umount } from "../../src/drivers/syscalls/mount.ts";
import { createNetworkNamespace, inNetworkNamespace } from "../../src/drivers/syscalls/namespaces.ts";
import type { AttachRequest } from "../../src/engine/networks/contract.ts";
import { Networks } from "../../src/engine/networks/networks.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { StateChange, StateStore } from "../../src/ports/state-store.ts";

const CLONE_NEWNET = 0x40000000;
export const HOST = "198.51.100.1";
export const NEIGHBOUR = "198.51.100.2";

/** State that outlives an engine object, as the disk would. */
export function memoryState(): StateStore {
  const buckets = new Map<string, Map<string, string>>();
  const bucketOf = (name: string): Map<string, string> => buckets.get(name) ?? new Map<string, string>();
  return {
    get: <T>(bucket: string, key: string) => {
      const text = bucketOf(bucket).get(key);
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    list: <T>(bucket: string) =>
      [...bucketOf(bucket)].map(([key, text]) => [key, JSON.parse(text) as T] as [string, T]),
    commit: (changes: StateChange[]) => {
      for (const { bucket, key, value } of changes) {
        if (!buckets.has(bucket)) buckets.set(bucket, new Map());
        if (value === undefined) bucketOf(bucket).delete(key);
        else bucketOf(bucket).set(key, JSON.stringify(value));
      }
    },
    synced: async () => {},
    close: () => {},
  };
}

/**
 * Moves this test process into a network namespace of its own (for good), which plays the host, with a neighbour on
 * its wire. Nothing of it touches the machine, and all of it goes when the process ends and `close` was called.
 */
export class World {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-net-"));
  readonly neighbour = path.join(this.root, "neighbour");
  readonly state = memoryState();
  readonly warnings: string[] = [];
  private readonly children: number[] = [];
  private readonly servers: (() => void)[] = [];

  constructor() {
    if (declare("int unshare(int flags)")(CLONE_NEWNET) < 0) throw new Error("unshare: root is needed");
    fs.writeFileSync(this.neighbour, "");
    createNetworkNamespace(this.neighbour);
    ip("link set lo up");
    // the neighbour's end is handed over by a descriptor of a child there
    const pid = this.hold(this.neighbour);
    waitFor(() => fs.readlinkSync(`/proc/${pid}/ns/net`) !== fs.readlinkSync("/proc/self/ns/net"));
    ip(`link add uplink0 type veth peer name eth0 netns ${pid}`);
    ip(`addr add ${HOST}/24 dev uplink0`);
    ip("link set uplink0 up");
    this.inside(this.neighbour, "ip", "link", "set", "lo", "up");
    this.inside(this.neighbour, "ip", "addr", "add", `${NEIGHBOUR}/24`, "dev", "eth0");
    this.inside(this.neighbour, "ip", "link", "set", "eth0", "up");
  }

  /** A process that stays in a namespace until `close`; its pid. */
  hold(netns: string): number {
    const holder = spawn("nsenter", [`--net=${netns}`, "sleep", "600"], { stdio: "ignore" });
    holder.unref();
    this.children.push(holder.pid ?? 0);
    return holder.pid ?? 0;
  }

  /** An engine; several may live one after the other (restart) or side by side (other bridge). */
  engine(options: { bridge?: string; bip?: string; state?: StateStore; execRoot?: string } = {}): Engine {
    const bridge = options.bridge ?? "gantry0";
    const links = new NetlinkLinks();
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: (text) => void this.warnings.push(text),
      error: (text, fields) => void this.warnings.push(`${text} ${JSON.stringify(fields)}`),
    };
    const firewall = new NftFirewall({ bridge, logger });
    const reservations = new SocketReservations();
    const events: string[] = [];
    const networks = new Networks({
      state: options.state ?? this.state,
      links,
      sublinks: new NetlinkSublinks(),
      firewall,
      traffic: new NetlinkTraffic(bridge),
      reservations,
      nameServers: new NamespaceNameServers(),
      clock: { now: () => Date.now(), stamp: () => new Date().toISOString(), after: () => () => {} },
      ids: { id: () => crypto.randomBytes(32).toString("hex"), name: () => "test" },
      logger,
      publish: (action, _id, attributes) => void events.push(`${action} ${attributes["name"]}`),
      namespacesOf: (id) => ({ netns: path.join(options.execRoot ?? this.root, "netns", id) }),
      withdrawn: () => {},
      resolvChanged: () => {},
      options: { bridge, bip: options.bip ?? "172.30.0.1/16", execRoot: options.execRoot ?? this.root, engineId: "e" },
    });
    networks.init();
    return { networks, links, firewall, reservations, events };
  }

  /** Runs a program in a namespace and gives its output; throws at a failure. */
  inside(netns: string, tool: string, ...argv: string[]): string {
    return execFileSync("nsenter", [`--net=${netns}`, tool, ...argv], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** A TCP server that says who asked; without `netns` on the host. */
  serveTcp(netns: string | undefined, port: number): Promise<void> {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.end(`${socket.remoteAddress?.replace("::ffff:", "")}\n`);
    });
    server.unref();
    this.servers.push(() => server.close());
    return new Promise((resolve) => this.within(netns, () => server.listen({ port }, resolve)));
  }

  serveUdp(netns: string | undefined, port: number): Promise<void> {
    const socket = dgram.createSocket({ type: "udp4", lookup: lookup as never });
    socket.on("message", (_text, from) => socket.send(`${from.address}\n`, from.port, from.address));
    socket.unref();
    this.servers.push(() => socket.close());
    return new Promise((resolve) => this.within(netns, () => socket.bind({ port, address: "0.0.0.0" }, resolve)));
  }

  /** What a client in `netns` (undefined: the host) gets from address:port, or undefined when nobody answers. */
  ask(
    netns: string | undefined,
    address: string,
    port: number,
    protocol: "tcp" | "udp" = "tcp",
  ): Promise<string | undefined> {
    const script = protocol === "tcp" ? TCP_CLIENT : UDP_CLIENT;
    const argv = netns === undefined ? [] : ["nsenter", `--net=${netns}`];
    const [tool = "", ...rest] = [...argv, process.execPath, "-e", script, address, String(port)];
    const child = spawn(tool, rest, { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return new Promise((resolve) => child.on("close", (code) => resolve(code === 0 ? text.trim() : undefined)));
  }

  within<T>(netns: string | undefined, body: () => T): T {
    return netns === undefined ? body() : inNetworkNamespace(netns, body);
  }

  /** Ends the servers, which otherwise keep their namespaces alive. */
  stopServers(): void {
    for (const stop of this.servers.splice(0)) stop();
  }

  close(): void {
    this.stopServers();
    for (const pid of this.children) process.kill(pid, "SIGKILL");
    for (const file of [this.neighbour, ...netnsFiles(this.root)]) {
      try {
        umount(file, 2);
      } catch {
        // not mounted any more
      }
    }
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

export interface Engine {
  networks: Networks;
  links: NetlinkLinks;
  firewall: NftFirewall;
  reservations: SocketReservations;
  events: string[];
}

export function request(name: string, more: Partial<AttachRequest> = {}): AttachRequest {
  return {
    containerId: crypto.createHash("sha256").update(name).digest("hex"),
    containerName: name,
    hostname: name,
    networkMode: "default",
    endpoints: {},
    exposedPorts: [],
    portBindings: {},
    publishAll: false,
    ...more,
  };
}

export const ip = (command: string): string => execFileSync("ip", command.split(" "), { encoding: "utf8" });

/** Of the namespace that the process is in (/sys/class/net shows another's). */
export const linkNames = (): string[] =>
  (JSON.parse(ip("-j link show")) as { ifname: string }[]).map((link) => link.ifname).toSorted();

/** Waits for a condition that the kernel brings about; 5 s at most. */
export function waitFor(condition: () => boolean): void {
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    if (condition()) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  throw new Error(`waited in vain for ${condition}`);
}

/** Synchronous, so that the socket is made while the thread is in the right namespace. */
const lookup = (host: string, ...rest: unknown[]): void => {
  (rest.at(-1) as (error: null, address: string, family: number) => void)(null, host, 4);
};

const netnsFiles = (root: string): string[] => {
  const folder = path.join(root, "netns");
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => path.join(folder, name)) : [];
};

const TCP_CLIENT = `
  const s = require("net").connect({ host: process.argv[1], port: +process.argv[2] });
  s.on("error", () => process.exit(1)); s.on("data", (d) => process.stdout.write(d)); s.on("end", () => process.exit(0));
  setTimeout(() => process.exit(2), 700);`;

const UDP_CLIENT = `
  const s = require("dgram").createSocket("udp4");
  s.on("error", () => process.exit(1)); s.on("message", (d) => process.stdout.write(d, () => process.exit(0)));
  s.send("hi", +process.argv[2], process.argv[1]);
  setTimeout(() => process.exit(2), 700);`;
