import type { EndpointSettings } from "../base/container-config.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { NetworkExplanation } from "../wire/types/explain.ts";
import type { NetworkCreateRequest, NetworkInspect } from "../wire/types/networks.ts";
import { Container, type SignalOption } from "./container.ts";
import { unlessGone } from "./remove.ts";

/** A network; with `await using` it is removed at the end of the block. */
export class Network implements AsyncDisposable {
  readonly id: string;
  readonly name: string;
  private readonly client: Client;

  /** @internal */
  constructor(client: Client, id: string, name: string) {
    this.client = client;
    this.id = id;
    this.name = name;
  }

  inspect(options: SignalOption = {}): Promise<NetworkInspect> {
    return this.client.networks.inspect(this.id, {}, options.signal);
  }

  /** What it is in the kernel: the bridge, who is plugged in, the rules about it. */
  explain(options: SignalOption = {}): Promise<NetworkExplanation> {
    return this.client.networks.explain(this.id, options.signal);
  }

  connect(container: Container | string, endpoint: EndpointSettings = {}, options: SignalOption = {}): Promise<void> {
    return this.client.networks.connect(this.id, idOf(container), endpoint, options.signal);
  }

  disconnect(container: Container | string, options: SignalOption & { force?: boolean } = {}): Promise<void> {
    return this.client.networks.disconnect(this.id, idOf(container), options.force, options.signal);
  }

  remove(options: SignalOption = {}): Promise<void> {
    return this.client.networks.remove(this.id, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unlessGone(this.remove());
  }
}

const idOf = (container: Container | string): string => (typeof container === "string" ? container : container.id);

export class Networks {
  private readonly client: Client;

  /** @internal */
  constructor(client: Client) {
    this.client = client;
  }

  list(options: SignalOption & { filters?: Record<string, string[]> } = {}): Promise<NetworkInspect[]> {
    return this.client.networks.list(options.filters, options.signal);
  }

  async create(name: string, options: SignalOption & Omit<NetworkCreateRequest, "Name"> = {}): Promise<Network> {
    const { signal, ...request } = options;
    const { Id } = await this.client.networks.create({ Name: name, ...request }, signal);
    return new Network(this.client, Id, name);
  }

  /** By name or id. */
  async get(name: string, options: SignalOption = {}): Promise<Network> {
    const found = await this.client.networks.inspect(name, {}, options.signal);
    return new Network(this.client, found.Id, found.Name);
  }

  /** Removes those that no container is on; gives their names. */
  async prune(options: SignalOption & { filters?: Record<string, string[]> } = {}): Promise<string[]> {
    return (await this.client.networks.prune(options.filters, options.signal)).NetworksDeleted ?? [];
  }
}
