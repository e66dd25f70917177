/** Docker's progress line (pull, push, load, build, import), as `server` streams and `cli` renders it. */
export interface ProgressEvent {
  /** The layer's short id, or the tag for the first line. */
  id?: string;
  /** "Pulling fs layer", "Downloading", "Download complete", "Pull complete", "Pushed", … (Docker's words). */
  status?: string;
  /** current and total in bytes; the server adds Docker's rendered `progress` bar. */
  progressDetail?: { current?: number; total?: number };
  /** Build output and plain text. */
  stream?: string;
  /** {"ID": "sha256:…"} after a build; {"Tag","Digest","Size"} after a push. */
  aux?: Record<string, unknown>;
}

export type OnProgress = (event: ProgressEvent) => void;
