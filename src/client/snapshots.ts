import type { Snapshot, SnapshotRestoreResponse, SnapshotSaveResponse } from "../wire/types/snapshots.ts";
import { segment } from "./query.ts";
import type { Transport } from "./transport.ts";

/** Gantry's own: what containers had in their files and volumes, to go back to. */
export class Snapshots {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Of one container, or of all. */
  list(container?: string, signal?: AbortSignal): Promise<Snapshot[]> {
    const path = container === undefined ? "/gantry/snapshots" : this.path(container);
    return this.transport.json("GET", path, { signal });
  }

  inspect(container: string, name: string, signal?: AbortSignal): Promise<Snapshot> {
    return this.transport.json("GET", this.path(container, name), { signal });
  }

  save(
    container: string,
    options: { name?: string; pause?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<SnapshotSaveResponse> {
    const { name, pause = true } = options;
    const query = { name, pause: pause ? "1" : "0" };
    return this.transport.json("POST", this.path(container), { query, signal });
  }

  restore(
    container: string,
    name: string,
    options: { force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<SnapshotRestoreResponse> {
    return this.transport.json("POST", `${this.path(container, name)}/restore`, { query: { ...options }, signal });
  }

  async remove(container: string, name: string, signal?: AbortSignal): Promise<void> {
    await this.transport.send("DELETE", this.path(container, name), { signal });
  }

  private path(container: string, name?: string): string {
    return `/gantry/containers/${segment(container)}/snapshots${name === undefined ? "" : `/${segment(name)}`}`;
  }
}
