export type DnsTransport = "udp" | "tcp";

/** Whom to ask in which network namespace. */
export interface UpstreamQuery {
  /** IPv4 or IPv6 address; port 53. */
  server: string;
  /** The namespace's path; undefined: the host's. */
  netns: string | undefined;
  via: DnsTransport;
  query: Buffer;
  /** Milliseconds. */
  timeout: number;
  signal: AbortSignal;
}

/** DNS messages of containers, as bytes. */
export interface NameServers {
  /**
   * Serves 127.0.0.11:53, UDP and TCP, in a network namespace from this process, also where a server was that this
   * process or an earlier one left. `answer` gives the whole reply, or undefined for none; it never rejects. The
   * container's own programs may listen on port 53 of all addresses nevertheless. Synchronous, below 1 ms.
   * Errors: internal NAME_SERVER_FAILED with the system's words.
   */
  serve(netns: string, answer: (query: Buffer, via: DnsTransport) => Promise<Buffer | undefined>): NameServer;
  /**
   * Sends a query with an id of its own and gives the reply that has that id and the same question, with the query's
   * id. Rejects with unavailable UPSTREAM_FAILED when there is none in time or `signal` aborts.
   */
  ask(query: UpstreamQuery): Promise<Buffer>;
}

export interface NameServer {
  /** Ends sockets and connections; the namespace isn't held any more. Twice is fine. */
  close(): void;
}
