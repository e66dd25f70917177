import type { Duplex } from "node:stream";
import type { SessionWish } from "../base/build-session.ts";

/** A client that stays by its build: secrets, an agent, folders come from it while the build runs. */
export interface BuildSession {
  /**
   * A connection on which the client grants the wish; the caller ends it.
   * Errors: notFound NOT_OFFERED (the user named no such thing), unavailable SESSION_FAILED (it could not be granted, or
   * the client is gone), canceled.
   */
  open(wish: SessionWish, signal: AbortSignal): Promise<Duplex>;
}
