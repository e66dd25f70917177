import { Gantry as Client } from "../client/gantry.ts";
import type { TransportOptions } from "../client/transport.ts";
import type {
  AuthConfig,
  AuthResponse,
  DiskUsage,
  EventMessage,
  SystemInfo,
  SystemVersion,
} from "../wire/types/system.ts";
import { Containers, type RunOptions } from "./containers.ts";
import type { SignalOption } from "./container.ts";
import { dialOf, hostFromEnvironment } from "./host.ts";
import { Images } from "./images.ts";
import type { LocalEngine, EngineOptions } from "./local-engine.ts";
import { Networks } from "./networks.ts";
import type { RunResult } from "./output.ts";
import { Volumes } from "./volumes.ts";

export interface GantryOptions extends Partial<TransportOptions> {}

export interface EventsOptions extends SignalOption {
  since?: Date;
  /** Without it the events go on until the signal aborts or the loop is left. */
  until?: Date;
  /** For example `{ type: ["container"], event: ["die"] }`. */
  filters?: Record<string, string[]>;
}

/**
 * A container engine: gantryd, or dockerd. Without options it is the one that `GANTRY_HOST` or `DOCKER_HOST` names, else the
 * one at unix:///run/gantry.sock. `host` may be unix://, tcp:// or ssh:// (by the `ssh` program and its keys). What an engine refuses, or a machine, is a `GantryError` with `code` and `hint`.
 *
 * ```ts
 * await using gantry = new Gantry();
 * const { exitCode, stdout } = await gantry.run("busybox", ["echo", "hello"]);
 * ```
 */
export class Gantry implements AsyncDisposable {
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  /** The engine's API, operation by operation. */
  readonly api: Client;

  constructor(options: GantryOptions = {}) {
    const known = { ...hostFromEnvironment(process.env), userAgent: "gantry-sdk", ...options };
    this.api = new Client({ dial: dialOf(known.host), ...known });
    this.images = new Images(this.api);
    this.containers = new Containers(this.api, this.images);
    this.networks = new Networks(this.api);
    this.volumes = new Volumes(this.api);
  }

  /**
   * Starts an engine of this program's own, on this machine, apart from all others; it ends with the `await using` block or
   * with `stop()`. For test runs. Needs root.
   */
  static async start(options: EngineOptions = {}): Promise<LocalEngine> {
    const { LocalEngine } = await import("./local-engine.ts");
    return await LocalEngine.launch(options);
  }

  /** Runs a container to its end, and removes it. An exit code other than 0 is no error. */
  run(image: string, command?: string[], options: RunOptions = {}): Promise<RunResult> {
    return this.containers.run(image, command, options);
  }

  /** Resolves if the engine answers; gives the newest API version that it speaks. */
  ping(options: SignalOption = {}): Promise<string> {
    return this.api.system.ping(options.signal);
  }

  /** Tries credentials at their registry. Throws unauthorized if it takes them not. */
  login(auth: AuthConfig, options: SignalOption = {}): Promise<AuthResponse> {
    return this.api.system.auth(auth, options.signal);
  }

  version(options: SignalOption = {}): Promise<SystemVersion> {
    return this.api.system.version(options.signal);
  }

  info(options: SignalOption = {}): Promise<SystemInfo> {
    return this.api.system.info(options.signal);
  }

  diskUsage(options: SignalOption = {}): Promise<DiskUsage> {
    return this.api.system.diskUsage(options.signal);
  }

  /** What happens in the engine, as it happens. */
  events(options: EventsOptions = {}): AsyncGenerator<EventMessage> {
    const { since, until, filters, signal } = options;
    const seconds = (date: Date | undefined): string | undefined => date && String(date.getTime() / 1000);
    return this.api.system.events({ since: seconds(since), until: seconds(until), filters }, signal);
  }

  /** Closes idle connections. */
  close(): void {
    this.api.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
