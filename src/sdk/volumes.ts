import type { Gantry as Client } from "../client/gantry.ts";
import type { Volume as Description, VolumeCreateRequest } from "../wire/types/volumes.ts";
import type { SignalOption } from "./container.ts";
import { unlessGone } from "./remove.ts";

/** A volume; with `await using` it is removed at the end of the block. */
export class Volume implements AsyncDisposable {
  readonly name: string;
  private readonly client: Client;

  /** @internal */
  constructor(client: Client, name: string) {
    this.client = client;
    this.name = name;
  }

  inspect(options: SignalOption = {}): Promise<Description> {
    return this.client.volumes.inspect(this.name, options.signal);
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
