/** A volume as the program that keeps it tells of it. */
export interface PluginVolume {
  name: string;
  /** Its folder on the host; "" while it is mounted nowhere. */
  mountpoint: string;
  /** RFC 3339. */
  created?: string;
  /** Whatever the plugin wants `volume inspect` to show. */
  status?: Record<string, unknown>;
}

/**
 * A program that keeps volumes and speaks Docker's volume-plugin protocol. Its calls throw unavailable PLUGIN_UNREACHABLE
 * when nobody answers, deadline PLUGIN_TIMEOUT when an answer does not come in time, and internal PLUGIN_FAILED with
 * the plugin's own words.
 */
export interface VolumePlugin {
  readonly name: string;
  /** global: other hosts know the same volumes. */
  readonly scope: "local" | "global";
  create(volume: string, options: Record<string, string>): Promise<void>;
  /** undefined: the plugin knows of no such volume. */
  get(volume: string): Promise<PluginVolume | undefined>;
  list(): Promise<PluginVolume[]>;
  remove(volume: string): Promise<void>;
  /** Makes the volume ready for one user and gives its folder on the host. The plugin counts users by their ids. */
  mount(volume: string, user: string): Promise<string>;
  unmount(volume: string, user: string): Promise<void>;
}

/**
 * Whether to wait for a plugin that is just coming up, 15 seconds at most. if-present: only when its socket or
 * specification is there already.
 */
export type Patience = "none" | "if-present" | "full";

/** The volume plugins of this host. */
export interface VolumePlugins {
  /** Throws notFound NO_SUCH_DRIVER, and what a handshake fails with. */
  find(name: string, patience: Patience): Promise<VolumePlugin>;
  /** All that answer, by name, and why others don't. */
  all(): Promise<{ plugins: VolumePlugin[]; failures: { name: string; error: unknown }[] }>;
}
