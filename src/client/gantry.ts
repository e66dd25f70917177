import { Containers } from "./containers.ts";
import { DEFAULT_HOST } from "./endpoint.ts";
import { Exec } from "./exec.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { Snapshots } from "./snapshots.ts";
import { System } from "./system.ts";
import { Transport, type TransportOptions } from "./transport.ts";
import { Volumes } from "./volumes.ts";

/**
 * A typed client of the Docker Engine API, for gantryd and dockerd alike.
 * Errors are GantryErrors: what the engine answered carries `details.status`; an engine that can't be reached is
 * `unavailable` ENGINE_UNREACHABLE. Call `close()` at the end, or idle connections stay open (they don't hold the process).
 */
export class Gantry {
  readonly transport: Transport;
  readonly containers: Containers;
  readonly exec: Exec;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  /** Gantry's own. */
  readonly snapshots: Snapshots;
  readonly system: System;

  constructor(options: Partial<TransportOptions> = {}) {
    this.transport = new Transport({ host: DEFAULT_HOST, ...options });
    this.containers = new Containers(this.transport);
    this.exec = new Exec(this.transport);
    this.images = new Images(this.transport);
    this.networks = new Networks(this.transport);
    this.volumes = new Volumes(this.transport);
    this.snapshots = new Snapshots(this.transport);
    this.system = new System(this.transport);
  }

  /** The name or address at which the engine's published ports answer. */
  get host(): string {
    const { endpoint } = this.transport;
    return endpoint.kind === "unix" ? "127.0.0.1" : endpoint.host;
  }

  close(): void {
    this.transport.close();
  }
}
