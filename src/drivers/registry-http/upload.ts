import type { Readable } from "node:stream";
import { isGantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { RemoteOptions, RepositoryRef } from "../../ports/remote-registry.ts";
import { complaint, lied, refusal } from "./replies.ts";
import { addressFrom, checkedPath, type Session } from "./session.ts";
import type { Reply } from "./transport.ts";

const ATTEMPTS = 4;
/** A piece of a chunked upload: what common proxies still let through. */
const PIECE = 16 * 1024 * 1024;
/** Answers to a whole blob in one request that say "not in one request". */
const WANTS_PIECES = new Set([404, 405, 411, 413, 501]);

export interface Upload {
  repo: RepositoryRef;
  digest: Digest;
  size: number;
  body: () => Readable;
}

const pushScope = (repo: RepositoryRef): string => `repository:${repo.repository}:pull,push`;

/** Uploads a blob, in one request if the registry takes that, again from the start when the connection breaks. */
export async function uploadBlob(
  session: Session,
  upload: Upload,
  options: RemoteOptions,
  pause: (attempt: number) => Promise<void>,
): Promise<void> {
  let pieces = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const began = await open(session, upload.repo, options);
      const reply = pieces
        ? await inPieces(session, upload, began, options)
        : await inOne(session, upload, began, options);
      if (reply.status === 201 || reply.status === 204) {
        reply.body.resume();
        return;
      }
      if (!pieces && WANTS_PIECES.has(reply.status)) {
        reply.body.resume();
        pieces = true;
        continue;
      }
      throw refusal(await complaint(reply));
    } catch (error) {
      if (!isGantryError(error, "REGISTRY_UNREACHABLE") || attempt >= ATTEMPTS) throw error;
      await pause(attempt);
    }
  }
}

/** Starts an upload session and gives its address. */
async function open(session: Session, repo: RepositoryRef, options: RemoteOptions): Promise<URL> {
  const reply = await session.ask(
    repo.registry,
    { method: "POST", target: checkedPath(repo, "blobs/uploads/"), body: Buffer.alloc(0), scopes: [pushScope(repo)] },
    options,
  );
  if (reply.status !== 202) throw refusal(await complaint(reply));
  reply.body.resume();
  return nextAddress(reply);
}

function nextAddress(reply: Reply): URL {
  const { location } = reply.headers;
  if (location === undefined) throw lied("the registry took an upload without saying where to send it");
  return addressFrom(location, reply.url);
}

function withDigest(address: URL, digest: Digest): URL {
  const url = new URL(address);
  url.searchParams.set("digest", digest);
  return url;
}

const inOne = (session: Session, upload: Upload, address: URL, options: RemoteOptions): Promise<Reply> =>
  session.ask(
    upload.repo.registry,
    {
      method: "PUT",
      target: withDigest(address, upload.digest),
      headers: { "Content-Type": "application/octet-stream", "Content-Length": String(upload.size) },
      body: upload.body,
      scopes: [pushScope(upload.repo)],
    },
    options,
  );

async function inPieces(session: Session, upload: Upload, began: URL, options: RemoteOptions): Promise<Reply> {
  const { registry } = upload.repo;
  const scopes = [pushScope(upload.repo)];
  let address = began;
  let offset = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<Reply | undefined> => {
    const piece = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Range": `${offset}-${offset + piece.length - 1}`,
    };
    const reply = await session.ask(
      registry,
      { method: "PATCH", target: address, headers, body: piece, scopes },
      options,
    );
    if (reply.status !== 202 && reply.status !== 204) return reply;
    reply.body.resume();
    offset += piece.length;
    address = nextAddress(reply);
    return undefined;
  };
  for await (const chunk of upload.body()) {
    held.push(chunk as Buffer);
    heldBytes += (chunk as Buffer).length;
    if (heldBytes < PIECE) continue;
    const refused = await flush();
    if (refused) return refused;
  }
  if (heldBytes > 0) {
    const refused = await flush();
    if (refused) return refused;
  }
  return session.ask(
    registry,
    { method: "PUT", target: withDigest(address, upload.digest), body: Buffer.alloc(0), scopes },
    options,
  );
}
