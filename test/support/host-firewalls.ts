import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { until } from "./until.ts";
import type { Host } from "./world.ts";

/** ufw for a host of a World, with a configuration of its own that begins as Debian's. */
export class Ufw {
  private readonly host: Host;
  private readonly folder: string;

  constructor(host: Host, folder: string) {
    this.host = host;
    this.folder = folder;
    fs.cpSync("/etc/ufw", path.join(folder, "etc"), { recursive: true });
    fs.cpSync("/etc/default/ufw", path.join(folder, "default"));
    fs.mkdirSync(path.join(folder, "run"));
  }

  run(...args: string[]): string {
    const over = [
      [path.join(this.folder, "etc"), "/etc/ufw"],
      [path.join(this.folder, "default"), "/etc/default/ufw"],
      [path.join(this.folder, "run"), "/run"],
    ];
    const mounts = over.map(([from, to]) => `mount --bind ${from} ${to}`).join(" && ");
    return this.host.ok("unshare", "--mount", "sh", "-c", `${mounts} && exec ufw "$@"`, "ufw", ...args);
  }
}

/** firewalld for a host of a World, on a bus of its own. */
export class Firewalld {
  /** For programs that speak to it. */
  readonly env: { DBUS_SYSTEM_BUS_ADDRESS: string };
  private readonly host: Host;
  private readonly children: ChildProcess[] = [];

  private constructor(host: Host, folder: string) {
    this.host = host;
    this.env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${folder}/bus` };
  }

  static async start(host: Host, folder: string): Promise<Firewalld> {
    const firewalld = new Firewalld(host, folder);
    const config = path.join(folder, "bus.conf");
    const etc = path.join(folder, "etc");
    fs.mkdirSync(etc);
    fs.writeFileSync(config, BUS.replace("ADDRESS", firewalld.env.DBUS_SYSTEM_BUS_ADDRESS));
    const bus = host.spawn("dbus-daemon", `--config-file=${config}`, "--nofork", "--nopidfile");
    await until(() => fs.existsSync(path.join(folder, "bus")), { what: "a bus" });
    const child = host.spawn(
      ...["env", `DBUS_SYSTEM_BUS_ADDRESS=${firewalld.env.DBUS_SYSTEM_BUS_ADDRESS}`, "firewalld"],
      ...["--nofork", "--nopid", "--system-config", etc, "--log-file", path.join(folder, "log")],
    );
    child.stdout?.resume();
    firewalld.children.push(bus, child);
    const up = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(fs.readFileSync(path.join(folder, "log"), "utf8"));
      return (await firewalld.tell("--state")).stdout.trim() === "running";
    };
    await until(up, { what: "firewalld", timeout: 20_000, every: 100 });
    return firewalld;
  }

  /** Its rules go with it. */
  async end(): Promise<void> {
    for (const child of this.children.toReversed()) {
      child.kill();
      await once(child, "exit");
    }
  }

  /** Runs firewall-cmd. */
  tell(...args: string[]): ReturnType<Host["run"]> {
    const bus = `DBUS_SYSTEM_BUS_ADDRESS=${this.env.DBUS_SYSTEM_BUS_ADDRESS}`;
    return this.host.run("env", bus, "firewall-cmd", ...args);
  }
}

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>ADDRESS</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_destination="*"/>
    <allow receive_type="method_call"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;
