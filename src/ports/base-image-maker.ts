import type { Readable } from "node:stream";

/** Which root file system to make. */
export type BaseImageRecipe =
  | { family: "busybox" }
  | {
      family: "debian";
      /** "bookworm" */
      suite: string;
      /** Without documentation, manual pages and translations. */
      slim: boolean;
      /** http(s) address of a Debian archive; the default has security updates too. */
      mirror?: string;
      /** Seconds since the epoch that the tools take for "now", so that the result depends on the packages alone. */
      epoch: number;
    };

/** A finished root file system. */
export interface BaseTree {
  /** Uncompressed; the same packages give the same bytes. */
  tar: Readable;
  /** RFC 3339; when the newest of what is inside was made. */
  created: string;
}

/**
 * Makes root file systems out of what this machine has or its distribution offers. Nothing is left behind: all files
 * are gone when `make` settles. Errors: unavailable BASE_TOOL_MISSING (the hint says what to install), unavailable
 * MIRROR_UNREACHABLE, internal BOOTSTRAP_FAILED, canceled CANCELED.
 */
export interface BaseImageMaker {
  /** `use` gets the tree and must have read it when it settles. */
  make<T>(
    recipe: BaseImageRecipe,
    options: { onStatus: (status: string) => void; signal: AbortSignal },
    use: (tree: BaseTree) => Promise<T>,
  ): Promise<T>;
}
