import { setTimeout as pause } from "node:timers/promises";
import { GantryError, isGantryError, prefixed } from "../../base/errors.ts";
import type { Patience, VolumePlugin, VolumePlugins } from "../../ports/volume-plugins.ts";
import { findAddress, listNames, type PluginAddress } from "./addresses.ts";
import { callPlugin } from "./call.ts";
import { type PluginTimes, ProtocolPlugin } from "./protocol-plugin.ts";

/** Milliseconds. A handshake is short, since every list and every new volume's name goes to all plugins. */
const TIMES = { asking: 10_000, removing: 60_000, making: 120_000, handshake: 2000, comingUp: 15_000 };
const BETWEEN_TRIES = 250;

/** The plugins that have a socket or a specification in one of some folders. Each is asked once what it is. */
export class DiscoveredPlugins implements VolumePlugins {
  private readonly folders: readonly string[];
  private readonly times: PluginTimes & { handshake: number; comingUp: number };
  private readonly known = new Map<string, { at: string; plugin: Promise<VolumePlugin> }>();

  constructor(folders: readonly string[], times: Partial<typeof TIMES> = {}) {
    this.folders = folders;
    this.times = { ...TIMES, ...times };
  }

  async find(driver: string, patience: Patience): Promise<VolumePlugin> {
    // clients may name a plugin as they name an image
    const name = driver.replace(/:latest$/, "");
    try {
      return await this.comeUp(name, patience);
    } catch (error) {
      throw prefixed(`error looking up volume plugin ${driver}`, error);
    }
  }

  async all(): Promise<{ plugins: VolumePlugin[]; failures: { name: string; error: unknown }[] }> {
    const names = listNames(this.folders);
    const answers = await Promise.allSettled(names.map(async (name) => this.greeted(name)));
    const plugins = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    const failures = answers.flatMap((answer, index) =>
      answer.status === "rejected" && !isGantryError(answer.reason, "NO_SUCH_DRIVER")
        ? [{ name: names[index] ?? "", error: answer.reason as unknown }]
        : [],
    );
    return { plugins, failures };
  }

  private async comeUp(name: string, patience: Patience): Promise<VolumePlugin> {
    const until = performance.now() + this.times.comingUp;
    for (;;) {
      try {
        return await this.greeted(name);
      } catch (error) {
        const absent = isGantryError(error, "NO_SUCH_DRIVER") && patience === "full";
        const silent = isGantryError(error, "PLUGIN_UNREACHABLE") && patience !== "none";
        if (!(absent || silent) || performance.now() + BETWEEN_TRIES > until) throw error;
        await pause(BETWEEN_TRIES);
      }
    }
  }

  /** After the handshake, which is done once for as long as the plugin answers. */
  private greeted(name: string): Promise<VolumePlugin> {
    const address = findAddress(this.folders, name);
    if (address === undefined) throw notFound(`plugin ${JSON.stringify(name)} not found`, this.folders);
    const at = JSON.stringify(address);
    const before = this.known.get(name);
    if (before?.at === at) return before.plugin;
    const forget = (): void => {
      if (this.known.get(name)?.plugin === plugin) this.known.delete(name);
    };
    const plugin = this.greet(name, address, forget);
    this.known.set(name, { at, plugin });
    plugin.catch(forget);
    return plugin;
  }

  private async greet(name: string, address: PluginAddress, onSilence: () => void): Promise<VolumePlugin> {
    const { Implements } = await callPlugin({ name, address }, "Plugin.Activate", undefined, this.times.handshake);
    if (!Array.isArray(Implements) || !Implements.includes("VolumeDriver")) {
      throw notFound("plugin does not implement the requested driver", this.folders);
    }
    const scope = await this.scopeOf(name, address);
    return new ProtocolPlugin({ name, address, scope, times: this.times, onSilence });
  }

  private async scopeOf(name: string, address: PluginAddress): Promise<"local" | "global"> {
    try {
      const answer = await callPlugin({ name, address }, "VolumeDriver.Capabilities", {}, this.times.handshake);
      const { Scope } = (answer["Capabilities"] ?? {}) as { Scope?: unknown };
      return String(Scope).toLowerCase() === "global" ? "global" : "local";
    } catch (error) {
      // plugins need not have that call
      if (isGantryError(error, "PLUGIN_FAILED")) return "local";
      throw error;
    }
  }
}

const notFound = (words: string, folders: readonly string[]): GantryError =>
  new GantryError("notFound", "NO_SUCH_DRIVER", words, {
    hint: `plugins are looked for as NAME.sock, NAME.spec and NAME.json in ${folders.join(", ")}`,
  });
