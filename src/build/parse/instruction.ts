import type { HealthConfig } from "../../base/container-config.ts";

/** A here-document of RUN, COPY or ADD. */
export interface Heredoc {
  /** The delimiter. */
  name: string;
  /** As written, each line with its newline; leading tabs are still there when `chomp`. */
  content: string;
  /** `<<-`: leading tabs are taken off. */
  chomp: boolean;
  /** The delimiter was not quoted: variables inside are expanded (COPY, ADD). */
  expand: boolean;
}

export interface KeyValue {
  key: string;
  value: string;
}

/** `--mount` of RUN. */
export interface MountFlag {
  /** As written. What holds variables is known only when they are filled in: until then only `type` and `from` may be there. */
  written: string;
  type: "bind" | "cache" | "tmpfs" | "secret" | "ssh";
  target?: string;
  source?: string;
  from?: string;
  /** Of a cache, a secret or an agent; a secret always has one. */
  id?: string;
  readonly: boolean;
  sharing?: "shared" | "private" | "locked";
  mode?: number;
  uid?: number;
  gid?: number;
  /** Bytes, tmpfs only. */
  size?: number;
  /** Secrets and agents: the build fails without. */
  required: boolean;
  /** The variable that holds the secret. */
  env?: string;
}

/** Where an instruction stands and how it is shown. */
export interface Origin {
  /** First and last physical line, from 1. */
  line: number;
  endLine: number;
  /** The logical line: continuations joined, comments dropped; what `Step 1/3 : …` shows. */
  text: string;
  /** The comment on the line right above. */
  comment?: string;
  /** A blank line stands inside. */
  blank?: true;
}

/** Shell form: `words` is one string for the shell. JSON form: the arguments themselves. */
export interface CommandLine {
  shell: boolean;
  words: string[];
}

export interface SourcesAndTarget {
  sources: string[];
  /** Sources given in place. */
  files: Heredoc[];
  target: string;
  chown?: string;
  chmod?: string;
  /** Patterns of what is left out. */
  exclude: string[];
  /** A layer that doesn't depend on what is below it. */
  link?: true;
}

export type NetworkMode = "default" | "none" | "host";
export type SecurityMode = "sandbox" | "insecure";

export type InstructionBody =
  | { kind: "from"; image: string; as?: string; platform?: string }
  | { kind: "arg"; args: { key: string; value?: string }[] }
  | { kind: "env"; pairs: KeyValue[]; legacy?: true }
  | { kind: "label"; pairs: KeyValue[]; legacy?: true }
  | { kind: "maintainer"; name: string }
  | ({
      kind: "run";
      files: Heredoc[];
      mounts: MountFlag[];
      network?: NetworkMode;
      security?: SecurityMode;
    } & CommandLine)
  | ({ kind: "cmd" } & CommandLine)
  | ({ kind: "entrypoint" } & CommandLine)
  | ({ kind: "copy"; from?: string; parents?: true } & SourcesAndTarget)
  | ({ kind: "add"; checksum?: string; unpack?: boolean; keepGitDir?: boolean } & SourcesAndTarget)
  | { kind: "expose"; ports: string[] }
  | { kind: "volume"; paths: string[] }
  | { kind: "user"; user: string }
  | { kind: "workdir"; path: string }
  | { kind: "shell"; words: string[] }
  | { kind: "stopsignal"; signal: string }
  | { kind: "healthcheck"; health: HealthConfig }
  | { kind: "onbuild"; trigger: string };

export type Kind = InstructionBody["kind"];
export type Instruction = InstructionBody & { origin: Origin };
export type Of<K extends Kind> = Extract<Instruction, { kind: K }>;

/** The names, as a user may write them. */
export const INSTRUCTION_NAMES = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
] as const;

export interface Dockerfile {
  /** The escape character: `\` or `` ` ``. */
  escape: string;
  /** `# syntax=…`, accepted and kept; Gantry's own parser does the work. */
  syntax?: string;
  /** `# check=…` and its line. */
  check?: { value: string; line: number };
  instructions: Instruction[];
  warnings: string[];
}
