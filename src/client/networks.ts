import type { EndpointSettings } from "../base/container-config.ts";
import type {
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkInspect,
  PruneNetworksResponse,
} from "../wire/types/networks.ts";
import type { NetworkExplanation } from "../wire/types/explain.ts";
import type { Filters } from "./containers.ts";
import { filtersText, segment } from "./query.ts";
import { type Transport } from "./transport.ts";

export class Networks {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(filters?: Filters, signal?: AbortSignal): Promise<NetworkInspect[]> {
    return this.transport.json("GET", "/networks", { query: { filters: filtersText(filters) }, signal });
  }

  inspect(
    name: string,
    options: { verbose?: boolean; scope?: string } = {},
    signal?: AbortSignal,
  ): Promise<NetworkInspect> {
    return this.transport.json("GET", `/networks/${segment(name)}`, { query: { ...options }, signal });
  }

  /** What it is in the kernel. Gantry's own: dockerd has no such thing. */
  explain(name: string, signal?: AbortSignal): Promise<NetworkExplanation> {
    return this.transport.json("GET", `/gantry/explain/networks/${segment(name)}`, { signal });
  }

  create(request: NetworkCreateRequest, signal?: AbortSignal): Promise<NetworkCreateResponse> {
    return this.transport.json("POST", "/networks/create", { body: request, signal });
  }

  async remove(name: string, signal?: AbortSignal): Promise<void> {
    await this.transport.send("DELETE", `/networks/${segment(name)}`, { signal });
  }

  async connect(name: string, container: string, endpoint: EndpointSettings = {}, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/networks/${segment(name)}/connect`, {
      body: { Container: container, EndpointConfig: endpoint },
      signal,
    });
  }

  async disconnect(name: string, container: string, force = false, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/networks/${segment(name)}/disconnect`, {
      body: { Container: container, Force: force },
      signal,
    });
  }

  prune(filters?: Filters, signal?: AbortSignal): Promise<PruneNetworksResponse> {
    return this.transport.json("POST", "/networks/prune", { query: { filters: filtersText(filters) }, signal });
  }
}
