import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { type Ran, run } from "./engine.ts";
import { until } from "./until.ts";

/** How to reach a port: by TCP unless told otherwise, waiting 2 s unless told otherwise. */
export interface Asking {
  protocol?: "tcp" | "udp";
  timeout?: number;
}

/**
 * Network namespaces that play hosts, and wires between them. Nothing of it shows on the machine; all of it goes with
 * `close`, also what was started inside, and also when the test process is killed.
 */
export class World {
  private readonly children: ChildProcess[] = [];
  private wires: Host | undefined;

  async host(): Promise<Host> {
    const holder = this.start("unshare", ["--net", "sleep", "infinity"]);
    const pid = holder.pid ?? 0;
    const own = fs.readlinkSync("/proc/self/ns/net");
    await until(() => fs.readlinkSync(`/proc/${pid}/ns/net`) !== own, { what: "a namespace" });
    const host = this.within(pid);
    host.ok("ip", "link", "set", "lo", "up");
    return host;
  }

  /** Two hosts on one wire, at 192.0.2.1 and 192.0.2.2, and at 2001:db8::1 and ::2 if asked for, with eth0 each. */
  async neighbours({ ipv6 = false } = {}): Promise<[Host, Host]> {
    const pair: [Host, Host] = [await this.host(), await this.host()];
    for (const [index, host] of pair.entries()) {
      const number = index + 1;
      await this.plug(host, "eth0", "lan", `192.0.2.${number}/24`, ...(ipv6 ? [`2001:db8::${number}/64`] : []));
    }
    return pair;
  }

  /** A namespace that another made, such as a container's, by the pid of a process in it. */
  within(pid: number): Host {
    return new Host(pid, (tool, args) => this.start(tool, args));
  }

  /** Plugs a host into the wire of that name (at most 15 letters): hosts on one wire are neighbours. */
  async plug(host: Host, link: string, wire: string, ...addresses: string[]): Promise<void> {
    this.wires ??= await this.host();
    if ((await this.wires.run("ip", "link", "show", wire)).code !== 0) {
      this.wires.ok("ip", "link", "add", wire, "type", "bridge");
      this.wires.ok("ip", "link", "set", wire, "up");
    }
    const port = `p${host.pid}${link}`.slice(-15);
    const peer = ["peer", "name", link, "netns", String(host.pid)];
    this.wires.ok("ip", "link", "add", port, "master", wire, "up", "type", "veth", ...peer);
    for (const address of addresses) {
      host.ok("ip", "addr", "add", address, "dev", link, ...(address.includes(":") ? ["nodad"] : []));
    }
    host.ok("ip", "link", "set", link, "up");
  }

  async close(): Promise<void> {
    await this.end(...this.children);
  }

  /** Ends what `serve` or `spawn` began; a server in a container's namespace keeps it alive. */
  async end(...children: ChildProcess[]): Promise<void> {
    const alive = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(alive.map((child) => (child.kill("SIGKILL"), once(child, "exit"))));
  }

  private start(tool: string, args: string[]): ChildProcess {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", tool, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.children.push(child);
    return child;
  }
}

/** A namespace of a World. */
export class Host {
  /** Of the process that holds the namespace. */
  readonly pid: number;
  private readonly start: (tool: string, args: string[]) => ChildProcess;

  constructor(pid: number, start: (tool: string, args: string[]) => ChildProcess) {
    this.pid = pid;
    this.start = start;
  }

  /** For nsenter, and for engines that are to be in it. */
  get netns(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  run(tool: string, ...args: string[]): Promise<Ran> {
    return run("nsenter", [`--net=${this.netns}`, tool, ...args], { env: process.env });
  }

  /** Runs a program and expects success; gives what it prints. */
  ok(tool: string, ...args: string[]): string {
    return execFileSync("nsenter", [`--net=${this.netns}`, tool, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** A program that goes on until the world ends. */
  spawn(tool: string, ...args: string[]): ChildProcess {
    return this.start("nsenter", [`--net=${this.netns}`, tool, ...args]);
  }

  /** Answers everybody on a port, in both families, with the address that they come from. */
  async serve(port: number, protocol: "tcp" | "udp" = "tcp"): Promise<ChildProcess> {
    const child = this.spawn(process.execPath, "-e", protocol === "tcp" ? TCP_SERVER : UDP_SERVER, String(port));
    const [ready] = (await once(child.stdout as NodeJS.EventEmitter, "data")) as [Buffer];
    assert.equal(ready.toString(), "ready\n");
    return child;
  }

  /** What answers at an address and port; undefined: nobody does, within the time. Datagrams are sent again. */
  async ask(
    address: string,
    port: number,
    { protocol = "tcp", timeout = 2000 }: Asking = {},
  ): Promise<string | undefined> {
    const script = protocol === "tcp" ? TCP_CLIENT : UDP_CLIENT;
    const { code, stdout } = await this.run(process.execPath, "-e", script, address, String(port), String(timeout));
    return code === 0 ? stdout.trim() : undefined;
  }
}

const TCP_SERVER = `
  const server = require("net").createServer((socket) => {
    socket.on("error", () => {});
    socket.end(socket.remoteAddress.replace("::ffff:", ""));
  });
  server.listen(+process.argv[1], "::", () => console.log("ready"));`;

const UDP_SERVER = `
  const socket = require("dgram").createSocket("udp6");
  socket.on("message", (_, from) => socket.send(from.address.replace("::ffff:", ""), from.port, from.address));
  socket.bind(+process.argv[1], () => console.log("ready"));`;

const TCP_CLIENT = `
  const [host, port, timeout] = process.argv.slice(1);
  const socket = require("net").connect({ host, port: +port });
  socket.on("error", () => process.exit(1));
  socket.on("data", (text) => process.stdout.write(text, () => process.exit(0)));
  setTimeout(() => process.exit(2), +timeout);`;

const UDP_CLIENT = `
  const [host, port, timeout] = process.argv.slice(1);
  const socket = require("dgram").createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => process.exit(1));
  socket.on("message", (text) => process.stdout.write(text, () => process.exit(0)));
  const send = () => socket.send("hi", +port, host);
  setInterval(send, 200);
  send();
  setTimeout(() => process.exit(2), +timeout);`;
