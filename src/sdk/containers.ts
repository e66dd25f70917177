import { abandonable } from "../base/abort.ts";
import { GantryError } from "../base/errors.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { ContainerSummary } from "../wire/types/containers.ts";
import { Container, type SignalOption } from "./container.ts";
import type { Images, TransferOptions } from "./images.ts";
import type { TransferEvent } from "./progress-lines.ts";
import { type ContainerOptions, createRequest } from "./options.ts";
import { gatherOutput, type Input, type RunResult } from "./output.ts";
import type { Readiness } from "./ready.ts";

/** When an image is pulled: if the engine lacks it, each time, or never. */
export type PullPolicy = "missing" | "always" | "never";

export interface CreateOptions extends ContainerOptions, SignalOption {
  pull?: PullPolicy;
  auth?: TransferOptions["auth"];
  onPull?: (event: TransferEvent) => void;
}

export interface StartOptions extends CreateOptions {
  /** Wait for this as well. */
  ready?: Readiness;
}

export interface RunOptions extends Omit<CreateOptions, "autoRemove" | "stdin"> {
  /** Written to its stdin, which is closed then. */
  input?: Input;
}

export class Containers {
  private readonly client: Client;
  private readonly images: Images;

  /** @internal */
  constructor(client: Client, images: Images) {
    this.client = client;
    this.images = images;
  }

  list(
    options: SignalOption & { all?: boolean; limit?: number; size?: boolean; filters?: Record<string, string[]> } = {},
  ): Promise<ContainerSummary[]> {
    const { signal, ...rest } = options;
    return this.client.containers.list(rest, signal);
  }

  /** By name, id or the beginning of an id. Throws GantryError notFound. */
  async get(name: string, options: SignalOption = {}): Promise<Container> {
    return new Container(this.client, (await this.client.containers.inspect(name, {}, options.signal)).Id);
  }

  async create(image: string, options: CreateOptions = {}): Promise<Container> {
    const { name, platform, pull = "missing", signal } = options;
    if (pull === "always") await this.pull(image, options);
    const request = createRequest(image, options);
    const make = async (): Promise<Container> => {
      signal?.throwIfAborted();
      // Given up halfway, the engine might make it all the same.
      const creating = this.client.containers.create(request, { name, platform });
      const remove = ({ Id }: { Id: string }) => this.client.containers.remove(Id, { force: true, volumes: true });
      return new Container(this.client, (await abandonable(creating, signal, remove)).Id);
    };
    try {
      return await make();
    } catch (error) {
      const missing = error instanceof GantryError && error.kind === "notFound";
      if (!missing || pull !== "missing") throw error;
      await this.pull(image, options);
      return await make();
    }
  }

  /** Creates and starts it. If it does not start, or does not become ready, nothing of it stays. */
  async start(image: string, options: StartOptions = {}): Promise<Container> {
    const { ready, ...rest } = options;
    const container = await this.create(image, rest);
    try {
      await container.start({ signal: options.signal });
      if (ready) await container.waitReady(ready, { signal: options.signal });
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
    return container;
  }

  /** Runs a container to its end, and removes it. An exit code other than 0 is no error. */
  async run(image: string, command?: string[], options: RunOptions = {}): Promise<RunResult> {
    const { input, signal, ...rest } = options;
    const stdin = input !== undefined;
    await using container = await this.create(image, { ...rest, signal, stdin, ...(command && { command }) });
    const streams = { stdin, stdout: true, stderr: true };
    const attached = await this.client.containers.attach(container.id, streams, signal);
    using session = container.session(attached, options.tty === true, signal);
    const { exit } = await this.client.containers.wait(container.id, "next-exit", signal);
    await container.start({ signal });
    if (input !== undefined) void session.send(input).catch(() => {}); // it may end without reading all
    const output = await gatherOutput(session);
    return { exitCode: (await exit).StatusCode, ...output };
  }

  /** Removes those that don't run; gives their ids. */
  async prune(
    options: SignalOption & { filters?: Record<string, string[]> } = {},
  ): Promise<{ deleted: string[]; reclaimed: number }> {
    const { ContainersDeleted, SpaceReclaimed } = await this.client.containers.prune(options.filters, options.signal);
    return { deleted: ContainersDeleted ?? [], reclaimed: SpaceReclaimed };
  }

  private async pull(image: string, { platform, auth, signal, onPull }: CreateOptions): Promise<void> {
    for await (const event of this.images.pull(image, { platform, auth, signal })) onPull?.(event);
  }
}
