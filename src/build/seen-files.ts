import type { StepInput } from "./step-record.ts";

/** So many files of a COPY are kept by name; of more only the digest of all is known. */
const MOST_FILES = 1000;
/** Hex digits of a digest: it only has to differ. */
const DIGITS = 16;

/** The files that a COPY takes, for telling later which of them changed. */
export class SeenFiles {
  private readonly files = new Map<string, string>();
  private tooMany = false;

  /** Takes files with paths relative to a source. */
  below(source: string): (path: string, digest: string) => void {
    return (path, digest) => {
      if (this.files.size >= MOST_FILES) this.tooMany = true;
      else this.files.set([source, path].filter((part) => part !== "").join("/"), digest.slice(0, DIGITS));
    };
  }

  /** Empty when there were too many. */
  get list(): StepInput[] {
    return this.tooMany ? [] : [...this.files].map(([path, digest]): StepInput => [`file ${path}`, digest]);
  }
}
