import { createHash } from "node:crypto";
import { GantryError } from "./errors.ts";
import type { Digest } from "./image-config.ts";

const SHA256 = /^sha256:[0-9a-f]{64}$/;

/** Whether the text is a digest that Gantry can verify. */
export const isDigest = (text: string): boolean => SHA256.test(text);

/** The hex part of a digest. Throws invalid INVALID_DIGEST for anything but `sha256:` and 64 hex digits. */
export function parseDigest(text: string): { algorithm: "sha256"; hex: string } {
  if (!isDigest(text)) {
    const unknown = /^[a-z0-9+._-]+:[0-9a-f]+$/.test(text) && !text.startsWith("sha256:");
    throw new GantryError(
      "invalid",
      "INVALID_DIGEST",
      unknown ? "unsupported digest algorithm" : "invalid checksum digest format",
      { details: { digest: text.slice(0, 200) } },
    );
  }
  return { algorithm: "sha256", hex: text.slice("sha256:".length) };
}

export const digestOf = (bytes: Buffer | string): Digest =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** OCI image-spec: the identity of a layer together with all below it; a bottom layer's is its diff id. */
export const chainId = (parent: Digest | undefined, diffId: Digest): Digest =>
  parent === undefined ? diffId : digestOf(`${parent} ${diffId}`);
