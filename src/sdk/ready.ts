import { GantryError } from "../base/errors.ts";
import type { ContainerInspect } from "../wire/types/containers.ts";
import type { Container } from "./container.ts";
import { accepts, retry, type WaitOptions, within } from "./wait.ts";

/** What has to hold before a container counts as ready; all of it. */
export interface Readiness {
  /** Published TCP ports that take connections. */
  port?: number | number[];
  /** A line that it writes. */
  log?: RegExp | string;
  /** A page that answers. */
  http?: HttpReadiness & { port: number; path?: string };
  /** Its health check says healthy. */
  healthy?: boolean;
  /** Milliseconds for all together; default 60,000. */
  timeout?: number;
}

export interface HttpReadiness {
  /** The status it must have; any from 200 to 299 otherwise. */
  status?: number;
  headers?: Record<string, string>;
}

export interface Address {
  host: string;
  port: number;
}

const LAST_LINES = 20;
const PAGE_TIMEOUT = 5000;

/** The waits behind Container's methods. */
export class Waits {
  private readonly container: Container;

  constructor(container: Container) {
    this.container = container;
  }

  port(port: number, options: WaitOptions): Promise<Address> {
    return this.answering(port, `port ${port}`, options, ({ host, port: at }, signal) => accepts(host, at, signal));
  }

  async http(port: number, path: string, options: WaitOptions & HttpReadiness): Promise<string> {
    const { status, headers = {} } = options;
    const urlOf = ({ host, port: at }: Address): string => new URL(path, `http://${bracketed(host)}:${at}/`).href;
    const address = await this.answering(port, `${path} of port ${port}`, options, async (found, signal) => {
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(PAGE_TIMEOUT)]);
        const answer = await fetch(urlOf(found), { headers, redirect: "manual", signal: limited });
        await answer.body?.cancel();
        return status === undefined ? answer.ok : answer.status === status;
      } catch {
        return false; // nobody there yet, or not speaking yet
      }
    });
    return urlOf(address);
  }

  log(pattern: RegExp | string, options: WaitOptions): Promise<string> {
    // A pattern with `g` or `y` would go on from its last match, and miss lines.
    const search = typeof pattern === "string" ? pattern : new RegExp(pattern, pattern.flags.replace(/[gy]/g, ""));
    const matches = (line: string): boolean => (typeof search === "string" ? line.includes(search) : search.test(line));
    return this.within(`a line like ${pattern}`, options, async (signal) => {
      for await (const { line } of this.container.logs({ follow: true, signal })) if (matches(line)) return line;
      throw await this.ended(signal);
    });
  }

  healthy(options: WaitOptions): Promise<void> {
    const short = this.container.id.slice(0, 12);
    return this.within("a healthy container", options, (signal) =>
      retry(signal, async () => {
        const { State } = await this.requireRunning(signal);
        if (State.Health === undefined || State.Health.Status === "none") {
          throw new GantryError("conflict", "NO_HEALTHCHECK", `container ${short} has no health check`, {
            hint: "create it with healthcheck: { command }",
          });
        }
        if (State.Health.Status === "unhealthy") {
          throw new GantryError("conflict", "UNHEALTHY", `container ${short} is unhealthy`, {
            hint: State.Health.Log?.at(-1)?.Output.trim() || "its health check gave no output",
          });
        }
        return State.Health.Status === "healthy";
      }),
    );
  }

  /** All at once; the first that fails ends the others. */
  async all(readiness: Readiness, signal: AbortSignal | undefined): Promise<void> {
    const { port = [], log, http, healthy, timeout } = readiness;
    const failed = new AbortController();
    const options = { timeout, signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal };
    const waits: Promise<unknown>[] = [port].flat().map((one) => this.port(one, options));
    if (log !== undefined) waits.push(this.log(log, options));
    if (http) waits.push(this.http(http.port, http.path ?? "/", { ...http, ...options }));
    if (healthy) waits.push(this.healthy(options));
    try {
      await Promise.all(waits);
    } finally {
      failed.abort();
      await Promise.allSettled(waits);
    }
  }

  /** Asks for the address each time, since a container that starts anew may have another. */
  private answering(
    port: number,
    what: string,
    options: WaitOptions,
    answers: (address: Address, signal: AbortSignal) => Promise<boolean>,
  ): Promise<Address> {
    return this.within(what, options, async (signal) => {
      let address: Address | undefined;
      await retry(signal, async () => {
        const { State } = await this.requireRunning(signal);
        if (!State.Running) return false;
        address = await this.container.address(port, { signal });
        return await answers(address, signal);
      });
      return address as Address;
    });
  }

  private within<T>(what: string, options: WaitOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return within(what, options, work, () => this.lastWords(AbortSignal.timeout(PAGE_TIMEOUT)));
  }

  private async requireRunning(signal: AbortSignal): Promise<ContainerInspect> {
    const found = await this.container.inspect({ signal });
    if (!found.State.Running && found.State.Restarting !== true) throw await this.ended(signal);
    return found;
  }

  private async ended(signal: AbortSignal): Promise<GantryError> {
    const { State } = await this.container.inspect({ signal });
    const how = State.Status === "created" ? "was not started" : `ended with ${State.ExitCode}`;
    return new GantryError("conflict", "CONTAINER_ENDED", `container ${this.container.id.slice(0, 12)} ${how}`, {
      hint: await this.lastWords(signal),
      details: { exitCode: State.ExitCode },
    });
  }

  private async lastWords(signal: AbortSignal): Promise<string> {
    const lines: string[] = [];
    for await (const { line } of this.container.logs({ tail: LAST_LINES, signal })) lines.push(line);
    return lines.length > 0 ? `it wrote last:\n${lines.join("\n")}` : "it wrote nothing";
  }
}

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);
