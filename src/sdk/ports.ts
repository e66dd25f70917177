import type { PortBinding } from "../base/container-config.ts";
import { GantryError } from "../base/errors.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { SignalOption } from "./container.ts";

/** "80/tcp" → host addresses and ports. */
export type PortMap = Record<string, PortBinding[]>;

/** The published ports of one container, which can change while it runs. */
export class Ports {
  private readonly client: Client;
  private readonly container: string;

  /** @internal */
  constructor(client: Client, container: string) {
    this.client = client;
    this.container = container;
  }

  /** What is published now, with real host ports. */
  async list(options: SignalOption = {}): Promise<PortMap> {
    const { NetworkSettings } = await this.client.containers.inspect(this.container, {}, options.signal);
    const published = Object.entries(NetworkSettings.Ports ?? {}).filter(([, bindings]) => bindings?.length);
    return Object.fromEntries(published) as PortMap;
  }

  /**
   * Publishes more ports, written as in `ports` of a new container, without a restart; they stay over restarts. Gives what
   * was added. Errors: conflict PORT_TAKEN, NOT_PUBLISHABLE.
   */
  async add(ports: (number | string)[], options: SignalOption = {}): Promise<PortMap> {
    const { bindings } = parsePorts(ports);
    return (await this.client.containers.addPorts(this.container, bindings, options.signal)).Ports;
  }

  /** Gives ports up: 80 or "80/tcp" wherever it is published, "8080:80" at that host port. Throws notFound NOT_PUBLISHED. */
  async remove(ports: (number | string)[], options: SignalOption = {}): Promise<PortMap> {
    const { bindings } = parsePorts(ports);
    const meant = Object.fromEntries(
      Object.entries(bindings).map(([key, list]) => [key, list.map((one) => (one.HostPort ? one : {}))]),
    );
    return (await this.client.containers.removePorts(this.container, meant, options.signal)).Ports;
  }
}

const PORT = /^(?:(?:(?<address>\[[^\]]+\]|[\d.]+):)?(?<host>\d*):)?(?<port>\d+)(?:\/(?<protocol>tcp|udp|sctp))?$/;

/** As users write them. A port alone is published on a free port of 127.0.0.1. */
export function parsePorts(ports: (number | string)[]): { exposed: Record<string, object>; bindings: PortMap } {
  const exposed: Record<string, object> = {};
  const bindings: PortMap = {};
  for (const given of ports) {
    const parts = PORT.exec(String(given))?.groups;
    if (!parts) {
      throw new GantryError("invalid", "BAD_OPTION", `not a port to publish: ${given}`, {
        hint: 'write 80, "53/udp", "8080:80" or "0.0.0.0:8080:80"',
      });
    }
    const { address, host, port, protocol = "tcp" } = parts;
    const key = `${port}/${protocol}`;
    exposed[key] = {};
    const HostIp = address?.replace(/^\[|\]$/g, "") ?? (host === undefined ? "127.0.0.1" : "");
    (bindings[key] ??= []).push({ HostIp, HostPort: host ?? "" });
  }
  return { exposed, bindings };
}
