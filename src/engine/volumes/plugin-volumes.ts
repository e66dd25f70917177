import { isGantryError, messageOf, prefixed } from "../../base/errors.ts";
import type { Patience, PluginVolume, VolumePlugin, VolumePlugins } from "../../ports/volume-plugins.ts";

const PLUGIN_ERRORS = ["PLUGIN_UNREACHABLE", "PLUGIN_TIMEOUT", "PLUGIN_FAILED"];

/** A plugin is to blame, or there is none. */
export const isPluginError = (error: unknown): boolean =>
  isGantryError(error) && (PLUGIN_ERRORS.includes(error.code) || error.code === "NO_SUCH_DRIVER");

/** A volume, and who keeps it. */
export interface KeptVolume {
  plugin: Pick<VolumePlugin, "name" | "scope">;
  volume: PluginVolume;
}

/** The volumes that plugins keep. What fails is told with the operation and the volume before it, as Docker does. */
export class PluginVolumes {
  private readonly plugins: VolumePlugins;

  constructor(plugins: VolumePlugins) {
    this.plugins = plugins;
  }

  /** What the plugin is really called. Throws notFound NO_SUCH_DRIVER. */
  find(driver: string, volume: string, patience: Patience): Promise<VolumePlugin> {
    return about("create", volume, () => this.plugins.find(driver, patience));
  }

  /** Makes the volume unless the plugin has it. */
  make(plugin: VolumePlugin, volume: string, options: Record<string, string>): Promise<void> {
    return about("create", volume, async () => {
      if ((await plugin.get(volume)) === undefined) await plugin.create(volume, options);
    });
  }

  /** undefined: its plugin knows of it no more. */
  get(driver: string, volume: string, patience: Patience = "none"): Promise<KeptVolume | undefined> {
    return about("get", volume, async () => {
      const plugin = await this.plugins.find(driver, patience);
      const found = await plugin.get(volume);
      return found && { plugin, volume: found };
    });
  }

  /** The first of the plugins that answer and have it. */
  async search(volume: string): Promise<KeptVolume | undefined> {
    const { plugins } = await this.plugins.all();
    const answers = await Promise.allSettled(plugins.map((plugin) => plugin.get(volume)));
    for (const [index, answer] of answers.entries()) {
      const plugin = plugins[index];
      if (plugin !== undefined && answer.status === "fulfilled" && answer.value)
        return { plugin, volume: answer.value };
    }
    return undefined;
  }

  /** All there are; `answered` are the plugins that have told theirs. */
  async list(): Promise<{ kept: KeptVolume[]; answered: Set<string>; warnings: string[] }> {
    const { plugins, failures } = await this.plugins.all();
    const answers = await Promise.allSettled(plugins.map((plugin) => about("list", plugin.name, () => plugin.list())));
    const kept: KeptVolume[] = [];
    const answered = new Set<string>();
    const warnings = failures.map(({ name, error }) => messageOf(prefixed(`list ${name}`, error)));
    for (const [index, answer] of answers.entries()) {
      const plugin = plugins[index];
      if (plugin === undefined) continue;
      if (answer.status === "rejected") warnings.push(messageOf(answer.reason));
      else {
        answered.add(plugin.name);
        kept.push(...answer.value.map((volume) => ({ plugin, volume })));
      }
    }
    return { kept, answered, warnings };
  }

  remove(driver: string, volume: string): Promise<void> {
    return about("remove", volume, async () => {
      const plugin = await this.plugins.find(driver, "none");
      await plugin.remove(volume);
    });
  }

  /** Gives the volume's folder on the host. */
  mount(driver: string, volume: string, user: string): Promise<string> {
    const words = `error while mounting volume '${volume}'`;
    return told(words, async () => (await this.plugins.find(driver, "full")).mount(volume, user));
  }

  unmount(driver: string, volume: string, user: string): Promise<void> {
    const words = `error while unmounting volume '${volume}'`;
    return told(words, async () => (await this.plugins.find(driver, "none")).unmount(volume, user));
  }

  /** Names of the plugins that answer. */
  async names(): Promise<string[]> {
    return (await this.plugins.all()).plugins.map(({ name }) => name);
  }
}

async function told<T>(words: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw prefixed(words, error);
  }
}

const about = <T>(operation: string, volume: string, work: () => Promise<T>): Promise<T> =>
  told(`${operation} ${volume}`, work);
