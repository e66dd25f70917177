import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { TestEngine } from "./engine.ts";
import { type Host, World } from "./world.ts";

/**
 * A host whose engine lets its own rules decide about published ports (TCP 8080 and 8081, UDP 5353), and two others of
 * both families: a friend, who is let in, and a stranger.
 */
export class Visitors {
  static readonly HOST = "192.0.2.1";
  static readonly HOST6 = "2001:db8::1";
  static readonly FRIEND = ["192.0.2.2", "2001:db8::2"] as const;
  static readonly STRANGER = ["192.0.2.3", "2001:db8::3"] as const;

  readonly host: Host;
  readonly friend: Host;
  readonly stranger: Host;
  readonly engine: TestEngine;
  private readonly world: World;
  private readonly servers: ChildProcess[];

  private constructor(world: World, hosts: [Host, Host, Host], engine: TestEngine, servers: ChildProcess[]) {
    this.world = world;
    [this.host, this.friend, this.stranger] = hosts;
    this.engine = engine;
    this.servers = servers;
  }

  static async start(): Promise<Visitors> {
    const world = new World();
    const hosts: [Host, Host, Host] = [await world.host(), await world.host(), await world.host()];
    for (const [index, host] of hosts.entries()) {
      await world.plug(host, "eth0", "lan", `192.0.2.${index + 1}/24`, `2001:db8::${index + 1}/64`);
    }
    const [host] = hosts;
    // as ufw sets it
    host.ok("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1");
    const engine = await TestEngine.start({ netns: host.netns, flags: ["--published-ports", "host-rules"] });
    await engine.ok("network", "create", "--ipv6", "six");
    const ports = ["-p", "8080:80", "-p", "5353:53/udp", "-p", `${Visitors.HOST}:8081:80`];
    await engine.ok("run", "-d", "--name", "web", "--network", "six", ...ports, "busybox", "sleep", "1000");
    const container = world.within(Number(await engine.ok("inspect", "-f", "{{.State.Pid}}", "web")));
    return new Visitors(world, hosts, engine, [await container.serve(80), await container.serve(53, "udp")]);
  }

  /** Whether one gets in, at each port alike; the container is to see the true sender. */
  async letsIn(who: "friend" | "stranger"): Promise<boolean> {
    const timeout = 1000;
    const visitor = this[who];
    const answers = await Promise.all([
      visitor.ask(Visitors.HOST, 8080, { timeout }),
      visitor.ask(Visitors.HOST, 8081, { timeout }),
      visitor.ask(Visitors.HOST, 5353, { protocol: "udp", timeout }),
      visitor.ask(Visitors.HOST6, 8080, { timeout }),
      visitor.ask(Visitors.HOST6, 5353, { protocol: "udp", timeout }),
    ]);
    if (answers.every((answer) => answer === undefined)) return false;
    const [four, six] = who === "friend" ? Visitors.FRIEND : Visitors.STRANGER;
    assert.deepEqual(answers, [four, four, four, six, six]);
    return true;
  }

  async end(): Promise<void> {
    await this.world.end(...this.servers);
    await this.engine.end();
    await this.world.close();
  }
}
