import type { Duplex } from "node:stream";
import { GantryError } from "../base/errors.ts";
import { abandonable } from "../base/abort.ts";
import type { SessionNews, SessionRefusal, SessionWish } from "../base/build-session.ts";
import type { BuildSession } from "../ports/build-session.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import { TextLines } from "../base/text-lines.ts";

/** Milliseconds that a client has to grant a wish; an agent may ask its user first. */
const PATIENCE = 120_000;
const LINE_LIMIT = 64 * 1024;

export interface BuildSessionsDeps {
  clock: Pick<Clock, "after">;
  ids: Pick<Ids, "id">;
}

/** The sessions that clients hold open for their builds, by a name that nobody can guess. */
export class BuildSessions {
  private readonly deps: BuildSessionsDeps;
  private readonly open = new Map<string, ClientSession>();

  constructor(deps: BuildSessionsDeps) {
    this.deps = deps;
  }

  /** Begins a session on a connection that was taken over; it ends with the connection. */
  begin(socket: Duplex): void {
    const name = this.deps.ids.id();
    const session = new ClientSession(socket, this.deps.clock);
    this.open.set(name, session);
    socket.once("close", () => this.open.delete(name));
    session.tell({ session: name });
  }

  /** Throws notFound NO_SUCH_SESSION. */
  get(name: string): BuildSession & Pick<ClientSession, "connect"> {
    const session = this.open.get(name);
    if (session) return session;
    throw new GantryError("notFound", "NO_SUCH_SESSION", `no such build session: ${name}`);
  }
}

interface Waiting {
  resolve: (connection: Duplex) => void;
  reject: (error: Error) => void;
}

class ClientSession implements BuildSession {
  private readonly socket: Duplex;
  private readonly clock: Pick<Clock, "after">;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(socket: Duplex, clock: Pick<Clock, "after">) {
    this.socket = socket;
    this.clock = clock;
    this.listen();
  }

  tell(news: SessionNews): void {
    this.socket.write(`${JSON.stringify(news)}\n`);
  }

  async open(wish: SessionWish, signal: AbortSignal): Promise<Duplex> {
    if (this.socket.destroyed) throw gone();
    const channel = ++this.last;
    const answer = new Promise<Duplex>((resolve, reject) => this.waiting.set(channel, { resolve, reject }));
    const cancel = this.clock.after(PATIENCE, () => this.waiting.get(channel)?.reject(slow(wish)));
    this.tell({ channel, wish });
    try {
      return await abandonable(answer, signal, (connection) => connection.destroy());
    } finally {
      cancel();
      this.waiting.delete(channel);
    }
  }

  /** A client's connection for a channel. Throws notFound NO_SUCH_CHANNEL when nobody waits for it. */
  connect(channel: number, take: () => Duplex): void {
    const waiting = this.waiting.get(channel);
    if (waiting === undefined) {
      throw new GantryError("notFound", "NO_SUCH_CHANNEL", `nobody waits for channel ${channel} of this session`);
    }
    this.waiting.delete(channel);
    waiting.resolve(take());
  }

  /** Refusals, and the client's end. */
  private listen(): void {
    const lines = new TextLines();
    let size = 0;
    this.socket.on("data", (chunk: Buffer) => {
      const found = lines.push(chunk);
      size = found.length > 0 ? 0 : size + chunk.length;
      if (size > LINE_LIMIT || !found.every((line) => this.hear(line))) this.socket.destroy();
    });
    this.socket.once("end", () => this.socket.destroy());
    this.socket.once("close", () => {
      for (const { reject } of this.waiting.values()) reject(gone());
    });
  }

  private hear(line: string): boolean {
    let refusal: Partial<SessionRefusal>;
    try {
      refusal = JSON.parse(line) as Partial<SessionRefusal>;
    } catch {
      return false;
    }
    const { channel, message, missing } = refusal ?? {};
    if (typeof channel !== "number" || typeof message !== "string") return false;
    const error = missing
      ? new GantryError("notFound", "NOT_OFFERED", message)
      : new GantryError("unavailable", "SESSION_FAILED", message);
    this.waiting.get(channel)?.reject(error);
    return true;
  }
}

const gone = (): GantryError =>
  new GantryError("unavailable", "SESSION_FAILED", "the client that began this build is gone");

const slow = (wish: SessionWish): GantryError =>
  new GantryError(
    "unavailable",
    "SESSION_FAILED",
    `the client did not answer within ${PATIENCE / 1000} s: ${wish.kind}`,
  );
