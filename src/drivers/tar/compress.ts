import type { Readable } from "node:stream";
import { viaProgram } from "./decompress.ts";

/** Packs a stream; Node 20 has no zstd, so the host's own program does it. */
export const zstd = (source: Readable): Readable =>
  viaProgram(source, { tool: "zstd", flags: ["-c", "-T0"], verb: "write" });
