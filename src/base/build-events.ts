import type { Digest } from "./image-config.ts";
import type { ProgressEvent } from "./progress.ts";

/** One step of a build. Events name it by `id`. */
export interface BuildStep {
  /** Unique in its build: "3"; "1.2" is the second trigger that step 1 (a FROM) brought. */
  id: string;
  /** Position in the Dockerfile's order, from 1, and how many there are; a trigger has those of its FROM. */
  number: number;
  total: number;
  /** Where it stands; missing for an ARG before the first FROM. */
  stage?: BuildStage;
  /** Line of the Dockerfile, from 1; 0 for what stands in none. */
  line: number;
  /** "RUN". */
  instruction: string;
  /** The instruction as it is written, on one line. */
  name: string;
  /** The FROM that brought this trigger. */
  parent?: string;
}

export interface BuildStage {
  index: number;
  name?: string;
}

/** One thing that is different from the last time. */
export interface InputChange {
  /** What it is, as a user would call it: "file package.json", "ARG VERSION", "base image node:20". */
  what: string;
  /** Missing: it is new. */
  was?: string;
  /** Missing: it is gone. */
  is?: string;
}

/** Why a step was not taken from the cache. */
export type Miss =
  /** No step like it is in the cache. */
  | { reason: "new" }
  | { reason: "changed"; changes: InputChange[] }
  /** What it stands on is new: `step` missed. `changes`: what else is different. */
  | { reason: "follows"; step: string; changes: InputChange[] }
  /** It was there, and its layer is gone. */
  | { reason: "lost" }
  /** --no-cache or --no-cache-filter. */
  | { reason: "disabled" };

/** What a build has to say while it runs, in the order it happens. Steps of several stages come in between each other. */
export type BuildEvent =
  /** Steps that will be taken, in the Dockerfile's order; once at the start, and once more for a base image's triggers. */
  | { kind: "planned"; steps: BuildStep[] }
  /** What the step stands on is ready, and it begins. `at`: RFC 3339. */
  | { kind: "started"; step: string; at: string }
  /** It is not in the cache. `why`: where that was asked for. */
  | { kind: "missed"; step: string; why?: Miss }
  /** A container was made for it. */
  | { kind: "running"; step: string; container: string }
  /** Its command failed, and what it left is held for a client that asked for that. See docs/building.md. */
  | { kind: "shell"; step: string; token: string; code: number }
  | { kind: "output"; step: string; stream: "stdout" | "stderr"; text: string }
  /** An image's pull or a download on behalf of the step. */
  | { kind: "transfer"; step: string; progress: ProgressEvent }
  | {
      kind: "done";
      step: string;
      cached: boolean;
      /** Another build, or another stage, did the work at the same time. */
      shared?: true;
      ms: number;
      /** Of the layer that it made. */
      bytes?: number;
      /** Docker's id of the image so far; "" for nothing at all. */
      image: Digest | "";
    }
  /** It went wrong. The build ends with this error. */
  | {
      kind: "failed";
      step: string;
      ms: number;
      message: string;
      /** A command's exit code. */
      code?: number;
      /** Where that is written: the Dockerfile's name, the line, and this with a caret below it. */
      source?: { file: string; line: number; excerpt: string[] };
    }
  /** It was under way when the build ended for another reason. */
  | { kind: "canceled"; step: string; ms: number }
  | { kind: "stageDone"; stage: BuildStage; image: Digest | "" }
  /** `from`: the Dockerfile's own mistakes, what a build check found, or what came up while building. */
  | {
      kind: "warning";
      from: "dockerfile" | "check" | "build";
      /** Of the check. */
      rule?: string;
      message: string;
      line?: number;
      step?: string;
    }
  /**
   * The build is over, and went well. `size`: of the image, in bytes, uncompressed. `steps` counts those that could be cached,
   * `cached` those that were.
   */
  | {
      kind: "summary";
      image: Digest;
      tags: string[];
      ms: number;
      size?: number;
      steps: number;
      cached: number;
      provenance?: object;
    };

export type OnBuildEvent = (event: BuildEvent) => void;
