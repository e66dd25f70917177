import type { PruneVolumesResponse, Volume, VolumeCreateRequest, VolumeList } from "../wire/types/volumes.ts";
import type { Filters } from "./containers.ts";
import { filtersText, segment, type Transport } from "./transport.ts";

export class Volumes {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(filters?: Filters): Promise<VolumeList> {
    return this.transport.json("GET", "/volumes", { query: { filters: filtersText(filters) } });
  }

  inspect(name: string): Promise<Volume> {
    return this.transport.json("GET", `/volumes/${segment(name)}`);
  }

  create(request: VolumeCreateRequest): Promise<Volume> {
    return this.transport.json("POST", "/volumes/create", { body: request });
  }

  async remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    await this.transport.send("DELETE", `/volumes/${segment(name)}`, { query: { force: options.force } });
  }

  prune(filters?: Filters): Promise<PruneVolumesResponse> {
    return this.transport.json("POST", "/volumes/prune", { query: { filters: filtersText(filters) } });
  }
}
