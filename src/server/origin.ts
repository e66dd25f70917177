import type { IncomingMessage } from "node:http";
import net from "node:net";
import { GantryError } from "../base/errors.ts";

/**
 * Keeps web pages out of an API on TCP. A page that made its own name point here (DNS rebinding) is told by its `Host`,
 * a page of another site by its `Origin`. `isOwnName`: whether the server goes by that name, in small letters.
 * Throws forbidden FOREIGN_HOST, FOREIGN_ORIGIN.
 */
export function refuseForeign(request: IncomingMessage, isOwnName: (name: string) => boolean): void {
  const { host, origin } = request.headers;
  const name = nameOf(host ?? "");
  // an address can't be made to point elsewhere
  if (name === undefined || !(net.isIP(name) !== 0 || name === "localhost" || isOwnName(name))) {
    throw new GantryError(
      "forbidden",
      "FOREIGN_HOST",
      `forbidden: this engine does not go by the name "${host ?? ""}"`,
      {
        hint: "use a name of the certificate that the engine was started with, or its address",
      },
    );
  }
  if (origin === undefined) return;
  const from = URL.canParse(origin) ? new URL(origin).host : undefined;
  if (from === undefined || from !== host?.toLowerCase()) {
    throw new GantryError("forbidden", "FOREIGN_ORIGIN", `forbidden: a page of ${origin} may not use this engine`);
  }
}

/** "Engine.lan:2376" → "engine.lan", "[::1]:2376" → "::1" */
function nameOf(host: string): string | undefined {
  const url = `http://${host}`;
  if (host === "" || /[/@?#\\]/.test(host) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
}
