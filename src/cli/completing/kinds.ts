import type { Completes } from "../flags.ts";

/** What can be asked of an engine, or of the stored contexts. `container` is any; the others are in that state. */
export type Named = Exclude<Completes, readonly string[] | "object" | "file" | "folder" | "container-file">;

export interface Candidate {
  value: string;
  about: string;
}
