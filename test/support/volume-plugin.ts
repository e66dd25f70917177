import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { until } from "./until.ts";

const PROGRAM = path.join(import.meta.dirname, "volume-plugin.mjs");

/** A volume plugin in a process of its own, see volume-plugin.mjs. */
export class TestVolumePlugin {
  readonly name: string;
  readonly socket: string;
  readonly folder: string;
  private child: ChildProcess | undefined;

  /** `sockets`: where the engine looks. `folder`: for what it keeps. */
  constructor(name: string, sockets: string, folder: string) {
    this.name = name;
    this.socket = path.join(sockets, `${name}.sock`);
    this.folder = path.join(folder, name);
    fs.mkdirSync(sockets, { recursive: true });
    fs.mkdirSync(this.folder, { recursive: true });
  }

  async start(): Promise<void> {
    this.begin();
    await until(() => this.listens(), { what: "the plugin's socket" });
  }

  private async listens(): Promise<boolean> {
    const socket = net.connect(this.socket);
    try {
      await once(socket, "connect");
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  /** As `start`, without waiting. */
  begin(): void {
    this.child = spawn(process.execPath, [PROGRAM, this.socket, this.folder], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  /** Its socket stays behind, as a crashed one's does. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Calls that get no answer from now on. */
  hangs(...methods: string[]): void {
    fs.writeFileSync(path.join(this.folder, "hangs"), methods.join("\n"));
  }

  /** The calls since the last look, each "Method volume user". */
  calls(): string[] {
    const file = path.join(this.folder, "calls");
    const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
    fs.rmSync(file, { force: true });
    return lines;
  }

  /** The ids of those that use the volume, as the plugin has it on its disk. */
  users(volume: string): string[] {
    const volumes = JSON.parse(fs.readFileSync(path.join(this.folder, "volumes.json"), "utf8")) as Record<
      string,
      { users: string[] }
    >;
    return volumes[volume]?.users ?? [];
  }
}
