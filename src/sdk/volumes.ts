import type { Gantry as Client } from "../client/gantry.ts";
import type { Volume as Description, VolumeCreateRequest } from "../wire/types/volumes.ts";
import type { SignalOption } from "./container.ts";
import { unlessGone } from "./remove.ts";

/** A volume; with `await using` it is removed at the end of the block. */
export class Volume implements AsyncDisposable {
  private readonly client: Client;
  private current: string;

  /** @internal */
  constructor(client: Client, name: string) {
    this.client = client;
    this.current = name;
  }

  get name(): string {
    return this.current;
  }

  inspect(options: SignalOption = {}): Promise<Description> {
    return this.client.volumes.inspect(this.name, options.signal);
  }

  /** What is in it as a tar. `pause`: containers that use it are held meanwhile. Needs gantryd. */
  async export(
    options: SignalOption & { compress?: "none" | "gzip" | "zstd"; pause?: boolean } = {},
  ): Promise<AsyncGenerator<Buffer>> {
    const { signal, ...rest } = options;
    return (await this.client.volumes.export(this.name, rest, signal)).tar;
  }

  /**
   * Fills it from a tar (plain, gzip or zstd), all or nothing. `how`: what becomes of what is in it; without it the volume
   * must be empty. No container may be using it. Needs gantryd.
   */
  async import(
    tar: AsyncIterable<Uint8Array>,
    options: SignalOption & { how?: "replace" | "merge" } = {},
  ): Promise<void> {
    const { signal, ...rest } = options;
    await this.client.volumes.import(this.name, tar, rest, signal);
  }

  /** A new volume with the same contents and labels. `pause`: containers that use it are held meanwhile. Needs gantryd. */
  async clone(name: string, options: SignalOption & { pause?: boolean } = {}): Promise<Volume> {
    const { signal, ...rest } = options;
    const { Name } = await this.client.volumes.clone(this.name, name, rest, signal);
    return new Volume(this.client, Name);
  }

  /** Containers that use it follow. Needs gantryd. */
  async rename(name: string, options: SignalOption = {}): Promise<void> {
    await this.client.volumes.rename(this.name, name, options.signal);
    this.current = name;
  }

  remove(options: SignalOption & { force?: boolean } = {}): Promise<void> {
    return this.client.volumes.remove(this.name, { force: options.force }, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unlessGone(this.remove());
  }
}

export class Volumes {
  private readonly client: Client;

  /** @internal */
  constructor(client: Client) {
    this.client = client;
  }

  async list(options: SignalOption & { filters?: Record<string, string[]> } = {}): Promise<Description[]> {
    return (await this.client.volumes.list(options.filters, options.signal)).Volumes ?? [];
  }

  /** Without a name the engine gives it one. */
  async create(name?: string, options: SignalOption & Omit<VolumeCreateRequest, "Name"> = {}): Promise<Volume> {
    const { signal, ...request } = options;
    const { Name } = await this.client.volumes.create(
      { ...request, ...(name === undefined ? {} : { Name: name }) },
      signal,
    );
    return new Volume(this.client, Name);
  }

  async get(name: string, options: SignalOption = {}): Promise<Volume> {
    return new Volume(this.client, (await this.client.volumes.inspect(name, options.signal)).Name);
  }

  /** Removes those that no container uses; gives their names. `filters: {all: ["true"]}` takes named ones too. */
  async prune(
    options: SignalOption & { filters?: Record<string, string[]> } = {},
  ): Promise<{ deleted: string[]; reclaimed: number }> {
    const { VolumesDeleted, SpaceReclaimed } = await this.client.volumes.prune(options.filters, options.signal);
    return { deleted: VolumesDeleted ?? [], reclaimed: SpaceReclaimed };
  }
}
