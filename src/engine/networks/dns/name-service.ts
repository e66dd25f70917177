import { messageOf } from "../../../base/errors.ts";
import type { Ids } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { DnsTransport, NameServer, NameServers } from "../../../ports/name-servers.ts";
import { waysOut } from "../endpoint-plan.ts";
import type { NetworkRecord, SandboxRecord } from "../record.ts";
import { forward } from "./forward.ts";
import { type DnsQuery, RCODE, readQuery, writeRefusal, writeReply } from "./message.ts";
import { NameIndex } from "./names.ts";
import { answerLocally, type ResolverFacts, rotated } from "./resolver.ts";

/** Questions of one container that wait for upstream servers; each has a socket. */
const MOST_WAITING = 512;

export interface NameServiceDeps {
  servers: NameServers;
  ids: Ids;
  logger: Logger;
  /** As they are now, by the container's id. */
  sandboxes: ReadonlyMap<string, SandboxRecord>;
  network: (id: string) => NetworkRecord | undefined;
}

interface Opened {
  server: NameServer;
  netns: string;
  waiting: number;
  abort: AbortController;
}

/** The name servers of the containers on networks of the user's: 127.0.0.11 in each of them. */
export class NameService {
  private readonly deps: NameServiceDeps;
  private readonly index: NameIndex;
  private readonly facts: ResolverFacts;
  private readonly opened = new Map<string, Opened>();

  constructor(deps: NameServiceDeps) {
    this.deps = deps;
    this.index = new NameIndex(() => deps.sandboxes.values());
    this.facts = { network: deps.network, names: (network) => this.index.on(network) };
  }

  /** Containers, their names or networks are not what they were. */
  changed(): void {
    this.index.changed();
  }

  /** Begins to serve in a container's namespace; once is enough. Errors: as NameServers.serve. */
  open(containerId: string, netns: string): void {
    if (this.opened.has(containerId)) return;
    const server = this.deps.servers.serve(netns, (query, via) => this.answer(containerId, query, via));
    this.opened.set(containerId, { server, netns, waiting: 0, abort: new AbortController() });
  }

  /** Unknown ones are fine. */
  close(containerId: string): void {
    const opened = this.opened.get(containerId);
    if (opened === undefined) return;
    this.opened.delete(containerId);
    opened.abort.abort();
    opened.server.close();
  }

  closeAll(): void {
    for (const id of [...this.opened.keys()]) this.close(id);
  }

  /** Never rejects. */
  private async answer(containerId: string, bytes: Buffer, via: DnsTransport): Promise<Buffer | undefined> {
    const query = readQuery(bytes);
    if (query === undefined) return undefined;
    if ("refuse" in query) return writeRefusal(query.id, query.refuse);
    try {
      return await this.answerQuery(containerId, query, bytes, via);
    } catch (error) {
      this.deps.logger.error("answering a container's question for a name", {
        container: containerId,
        error: messageOf(error),
      });
      return writeRefusal(query.id, RCODE.SERVFAIL);
    }
  }

  private async answerQuery(
    containerId: string,
    query: DnsQuery,
    bytes: Buffer,
    via: DnsTransport,
  ): Promise<Buffer | undefined> {
    const sandbox = this.deps.sandboxes.get(containerId);
    const opened = this.opened.get(containerId);
    if (sandbox === undefined || opened === undefined) return undefined;
    const records = answerLocally(query, sandbox, this.facts);
    if (records !== undefined) {
      return writeReply(query, RCODE.NOERROR, rotated(records, this.chance(records.length)), via);
    }
    const { upstreams, ndots } = sandbox.resolver ?? { upstreams: [], ndots: false };
    const leadsOut = Object.keys(waysOut(sandbox.endpoints, this.deps.network)).length > 0;
    if (!leadsOut) return writeReply(query, RCODE.SERVFAIL, [], via);
    if (ndots && !query.name.includes(".") && (query.type === "A" || query.type === "AAAA")) {
      return writeReply(query, RCODE.NOERROR, [], via);
    }
    if (opened.waiting >= MOST_WAITING) return writeReply(query, RCODE.REFUSED, [], via);
    opened.waiting++;
    try {
      const { netns, abort } = opened;
      const reply = await forward(this.deps.servers, { query: bytes, via, upstreams, netns, signal: abort.signal });
      return reply ?? writeReply(query, RCODE.SERVFAIL, [], via);
    } finally {
      opened.waiting--;
    }
  }

  private chance(count: number): number {
    return count < 2 ? 0 : Number.parseInt(this.deps.ids.id().slice(0, 4), 16);
  }
}
