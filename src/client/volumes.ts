import type { PruneVolumesResponse, Volume, VolumeCreateRequest, VolumeList } from "../wire/types/volumes.ts";
import type { Filters } from "./containers.ts";
import { filtersText, segment } from "./query.ts";
import { type Transport } from "./transport.ts";

export class Volumes {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(filters?: Filters, signal?: AbortSignal): Promise<VolumeList> {
    return this.transport.json("GET", "/volumes", { query: { filters: filtersText(filters) }, signal });
  }

  inspect(name: string, signal?: AbortSignal): Promise<Volume> {
    return this.transport.json("GET", `/volumes/${segment(name)}`, { signal });
  }

  create(request: VolumeCreateRequest, signal?: AbortSignal): Promise<Volume> {
    return this.transport.json("POST", "/volumes/create", { body: request, signal });
  }

  async remove(name: string, options: { force?: boolean } = {}, signal?: AbortSignal): Promise<void> {
    await this.transport.send("DELETE", `/volumes/${segment(name)}`, { query: { force: options.force }, signal });
  }

  prune(filters?: Filters, signal?: AbortSignal): Promise<PruneVolumesResponse> {
    return this.transport.json("POST", "/volumes/prune", { query: { filters: filtersText(filters) }, signal });
  }
}
