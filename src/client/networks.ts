import type { EndpointSettings } from "../base/container-config.ts";
import type {
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkInspect,
  PruneNetworksResponse,
} from "../wire/types/networks.ts";
import type { Filters } from "./containers.ts";
import { filtersText, segment, type Transport } from "./transport.ts";

export class Networks {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(filters?: Filters): Promise<NetworkInspect[]> {
    return this.transport.json("GET", "/networks", { query: { filters: filtersText(filters) } });
  }

  inspect(name: string, options: { verbose?: boolean; scope?: string } = {}): Promise<NetworkInspect> {
    return this.transport.json("GET", `/networks/${segment(name)}`, { query: { ...options } });
  }

  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse> {
    return this.transport.json("POST", "/networks/create", { body: request });
  }

  async remove(name: string): Promise<void> {
    await this.transport.send("DELETE", `/networks/${segment(name)}`);
  }

  async connect(name: string, container: string, endpoint: EndpointSettings = {}): Promise<void> {
    await this.transport.send("POST", `/networks/${segment(name)}/connect`, {
      body: { Container: container, EndpointConfig: endpoint },
    });
  }

  async disconnect(name: string, container: string, force = false): Promise<void> {
    await this.transport.send("POST", `/networks/${segment(name)}/disconnect`, {
      body: { Container: container, Force: force },
    });
  }

  prune(filters?: Filters): Promise<PruneNetworksResponse> {
    return this.transport.json("POST", "/networks/prune", { query: { filters: filtersText(filters) } });
  }
}
