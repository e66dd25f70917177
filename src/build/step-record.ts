/** One part of what a step is made of: how a user would call it, and its value. */
export type StepInput = readonly [what: string, value: string];

/** What a cached step was, kept beside its result: to explain a later miss, and to list and prune the cache. */
export interface StepRecord {
  /** Name of its stage, or its number. */
  stage: string;
  /** Its place in the stage, triggers included. */
  position: number;
  line: number;
  /** The instruction as it is written. */
  text: string;
  /** What it stands on: `stateKey`. */
  base: string;
  /** What the stage began with: the words behind FROM and that image's id. */
  from: StepInput;
  inputs: StepInput[];
  /** Key of the step before it in the stage. */
  parent?: string;
  /** RFC 3339. */
  created: string;
  /** Missing until it is first used again. */
  lastUsed?: string;
  uses: number;
}
