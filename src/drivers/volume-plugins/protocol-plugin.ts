import path from "node:path";
import { GantryError, isGantryError } from "../../base/errors.ts";
import type { PluginVolume, VolumePlugin } from "../../ports/volume-plugins.ts";
import type { PluginAddress } from "./addresses.ts";
import { callPlugin } from "./call.ts";

/** Milliseconds that calls may take: those that ask, those that take away, those that make. */
export interface PluginTimes {
  asking: number;
  removing: number;
  making: number;
}

export interface ProtocolPluginDeps {
  name: string;
  address: PluginAddress;
  scope: "local" | "global";
  times: PluginTimes;
  /** It did not answer: who comes next does well to shake hands again. */
  onSilence: () => void;
}

/** One plugin by Docker's volume-plugin protocol. */
export class ProtocolPlugin implements VolumePlugin {
  readonly name: string;
  readonly scope: "local" | "global";
  private readonly deps: ProtocolPluginDeps;

  constructor(deps: ProtocolPluginDeps) {
    this.name = deps.name;
    this.scope = deps.scope;
    this.deps = deps;
  }

  async create(volume: string, options: Record<string, string>): Promise<void> {
    await this.call("Create", { Name: volume, Opts: options }, this.deps.times.making);
  }

  async get(volume: string): Promise<PluginVolume | undefined> {
    try {
      const { Volume } = await this.call("Get", { Name: volume }, this.deps.times.asking);
      const found = volumeOf(Volume);
      if (found === undefined || found.mountpoint !== "") return found;
      const { Mountpoint } = await this.call("Path", { Name: volume }, this.deps.times.asking);
      return { ...found, mountpoint: textOf(Mountpoint) };
    } catch (error) {
      // the protocol has no other word for "there is none"
      if (isGantryError(error, "PLUGIN_FAILED")) return undefined;
      throw error;
    }
  }

  async list(): Promise<PluginVolume[]> {
    const { Volumes } = await this.call("List", {}, this.deps.times.asking);
    return (Array.isArray(Volumes) ? Volumes : []).flatMap((one: unknown) => volumeOf(one) ?? []);
  }

  async remove(volume: string): Promise<void> {
    await this.call("Remove", { Name: volume }, this.deps.times.removing);
  }

  async mount(volume: string, user: string): Promise<string> {
    const { Mountpoint } = await this.call("Mount", { Name: volume, ID: user }, this.deps.times.making);
    const folder = textOf(Mountpoint);
    if (path.isAbsolute(folder) && !folder.includes("\0")) return path.normalize(folder);
    const words = `plugin ${JSON.stringify(this.name)} gave no folder for the volume: ${JSON.stringify(Mountpoint)}`;
    throw new GantryError("internal", "PLUGIN_FAILED", words);
  }

  async unmount(volume: string, user: string): Promise<void> {
    await this.call("Unmount", { Name: volume, ID: user }, this.deps.times.removing);
  }

  private async call(operation: string, body: object, within: number): Promise<Record<string, unknown>> {
    try {
      return await callPlugin(this.deps, `VolumeDriver.${operation}`, body, within);
    } catch (error) {
      if (!isGantryError(error, "PLUGIN_FAILED")) this.deps.onSilence();
      throw error;
    }
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function volumeOf(value: unknown): PluginVolume | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { Name, Mountpoint, CreatedAt, Status } = value as Record<string, unknown>;
  if (typeof Name !== "string" || Name === "") return undefined;
  return {
    name: Name,
    mountpoint: textOf(Mountpoint),
    ...(textOf(CreatedAt) !== "" && { created: textOf(CreatedAt) }),
    ...(typeof Status === "object" && Status !== null && { status: { ...Status } }),
  };
}
