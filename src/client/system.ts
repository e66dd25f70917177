import type {
  AuthConfig,
  AuthResponse,
  DiskUsage,
  EventMessage,
  SystemInfo,
  SystemVersion,
} from "../wire/types/system.ts";
import type { Filters } from "./containers.ts";
import { filtersText } from "./query.ts";
import { type Transport } from "./transport.ts";

export class System {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Resolves if the engine answers; gives the newest API version that it speaks. */
  async ping(signal?: AbortSignal): Promise<string> {
    const { headers } = await this.transport.ping("GET", signal);
    return headers.get("api-version") ?? "";
  }

  version(signal?: AbortSignal): Promise<SystemVersion> {
    return this.transport.json("GET", "/version", { signal });
  }

  info(signal?: AbortSignal): Promise<SystemInfo> {
    return this.transport.json("GET", "/info", { signal });
  }

  diskUsage(signal?: AbortSignal): Promise<DiskUsage> {
    return this.transport.json("GET", "/system/df", { signal });
  }

  auth(config: AuthConfig, signal?: AbortSignal): Promise<AuthResponse> {
    return this.transport.json("POST", "/auth", { body: config, signal });
  }

  /** `since`, `until`: unix seconds with a fraction. Without `until` it goes on for ever. */
  events(
    options: { since?: string; until?: string; filters?: Filters } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<EventMessage> {
    const { since, until, filters } = options;
    return this.transport.lines("GET", "/events", { query: { since, until, filters: filtersText(filters) }, signal });
  }
}
