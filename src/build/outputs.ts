import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GantryError, isGantryError } from "../base/errors.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import type { BuildContext } from "./context.ts";
import type { BuildHost } from "./host.ts";
import type { BuildScope } from "./scope.ts";

/** What becomes of a build: an image of the engine's, or bytes that its client's session takes. */
export type BuildOutput =
  | { kind: "image" }
  /** The last stage's files as a tar. */
  | { kind: "files" }
  /** The image as `save` writes it: Docker's layout and the OCI one in one tar. */
  | { kind: "archive" };

/** Without a wish for anything else a build makes an image. */
export const keepsImage = (outputs: readonly BuildOutput[]): boolean =>
  outputs.length === 0 || outputs.some(({ kind }) => kind === "image");

/** Sends what the client wants to have. Errors: invalid NO_SESSION, unavailable OUTPUT_FAILED, SESSION_FAILED; canceled. */
export async function deliver(
  host: BuildHost,
  { request, signal }: Pick<BuildContext, "request" | "signal">,
  scope: BuildScope,
  image: ImageRecord,
): Promise<void> {
  for (const [position, output] of request.outputs.entries()) {
    if (output.kind === "image") continue;
    if (request.session === undefined) {
      throw new GantryError("invalid", "NO_SESSION", "an output that goes to the client needs a session");
    }
    const open = async (): Promise<Readable> =>
      output.kind === "archive"
        ? await host.images.saveAs(image.id, request.tags, signal)
        : host.archive.pack(await scope.view(image.chain.at(-1)), { whiteouts: "plain", signal });
    const connection = await request.session.open({ kind: "output", position }, signal);
    try {
      await pipeline(await open(), connection, { end: false, signal });
      connection.end();
      if (!(await acknowledged(connection))) throw notTaken();
    } catch (error) {
      throw isGantryError(error) || signal.aborted ? error : notTaken(error);
    } finally {
      connection.destroy();
    }
  }
}

/** The client says that it has all, and where it put it is whole. */
async function acknowledged(connection: Duplex): Promise<boolean> {
  if (connection.destroyed) return false;
  let said = 0;
  connection.on("data", (chunk: Buffer) => (said += chunk.length));
  await once(connection, "close");
  return said > 0;
}

const notTaken = (cause?: unknown): GantryError =>
  new GantryError("unavailable", "OUTPUT_FAILED", "the client did not take the build's output", { cause });
