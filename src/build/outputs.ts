import type { Readable } from "node:stream";
import type { ImageRecord } from "../engine/images/contract.ts";
import { type Envelope, statement } from "../engine/images/envelope.ts";
import { PROVENANCE_TYPE } from "./attest/provenance.ts";
import { send } from "./client-streams.ts";
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

/** Sends what the client wants to have. Errors: those of `send`; canceled. */
export async function deliver(
  host: BuildHost,
  { request, signal }: Pick<BuildContext, "request" | "signal">,
  scope: BuildScope,
  image: ImageRecord,
  envelope: Envelope,
): Promise<void> {
  for (const [position, output] of request.outputs.entries()) {
    if (output.kind === "image") continue;
    const open = async (): Promise<Readable> =>
      output.kind === "archive"
        ? await host.images.saveAs(image.id, { names: request.tags, envelope }, signal)
        : host.archive.pack(await filesOf(host, scope, image, envelope), { whiteouts: "plain", signal });
    await send(request.session, { kind: "output", position }, open, signal);
  }
}

/** Its files; what is attested of it is a file beside them. */
async function filesOf(
  { files }: BuildHost,
  scope: BuildScope,
  image: ImageRecord,
  { attestations }: Envelope,
): Promise<string> {
  const top = image.chain.at(-1);
  if (attestations.length === 0) return scope.view(top);
  const root = await scope.draft(top);
  for (const attestation of attestations) {
    const name = attestation.predicateType === PROVENANCE_TYPE ? "provenance.json" : "sbom.spdx.json";
    files.writeText(root, name, `${statement(attestation, ["_"], image.id).toString("utf8")}\n`, 0o644);
  }
  return root;
}
