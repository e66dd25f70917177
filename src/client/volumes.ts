import type { VolumeCloneResponse, VolumeImportResponse, VolumeWithUsage } from "../wire/types/volume-work.ts";
import type { PruneVolumesResponse, Volume, VolumeCreateRequest, VolumeList } from "../wire/types/volumes.ts";
import type { Filters } from "./containers.ts";
import { filtersText, segment } from "./query.ts";
import { type Transport } from "./transport.ts";

export interface VolumeExport {
  tar: AsyncGenerator<Buffer>;
  /** Names of containers that may write to the volume meanwhile. */
  writers: string[];
}

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

  /** Gantry's own: volumes with their sizes on disk and who uses them. */
  listUsage(filters?: Filters, signal?: AbortSignal): Promise<VolumeWithUsage[]> {
    return this.transport.json("GET", "/gantry/volumes", { query: { filters: filtersText(filters) }, signal });
  }

  /** Gantry's own: what is in a volume as a tar. `pause`: nobody writes to it meanwhile. */
  async export(
    name: string,
    options: { compress?: "none" | "gzip" | "zstd"; pause?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<VolumeExport> {
    const path = `/gantry/volumes/${segment(name)}/export`;
    const { headers, body } = await this.transport.request("GET", path, { query: { ...options }, signal });
    return { tar: body, writers: headers.get("gantry-writers")?.split(",") ?? [] };
  }

  /** Gantry's own: fills a volume, all or nothing. `how`: what becomes of its own contents, if it has any. */
  import(
    name: string,
    tar: AsyncIterable<Uint8Array>,
    options: { how?: "replace" | "merge" } = {},
    signal?: AbortSignal,
  ): Promise<VolumeImportResponse> {
    const path = `/gantry/volumes/${segment(name)}/import`;
    return this.transport.json("POST", path, { query: { ...options }, body: tar, signal });
  }

  /** Gantry's own: a new volume with the same contents. */
  clone(
    name: string,
    to: string,
    options: { pause?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<VolumeCloneResponse> {
    const path = `/gantry/volumes/${segment(name)}/clone`;
    return this.transport.json("POST", path, { query: { to, ...options }, signal });
  }

  /** Gantry's own: containers that use it follow. */
  async rename(name: string, to: string, signal?: AbortSignal): Promise<void> {
    await this.transport.send("POST", `/gantry/volumes/${segment(name)}/rename`, { query: { name: to }, signal });
  }

  prune(filters?: Filters, signal?: AbortSignal): Promise<PruneVolumesResponse> {
    return this.transport.json("POST", "/volumes/prune", { query: { filters: filtersText(filters) }, signal });
  }
}
