import { createHash } from "node:crypto";
import type { Digest } from "../base/image-config.ts";
import type { StateChange } from "../ports/state-store.ts";
import type { BuildHost } from "./host.ts";
import type { StageState } from "./stage-state.ts";
import type { StepInput, StepRecord } from "./step-record.ts";

/** What steps left behind, by key. */
export const RESULTS = "buildCache";
/** What these steps were, by the same keys; apart, since a build looks at results far more often. */
export const STEPS = "buildSteps";
/** What COPY --from found in layers, so that they needn't be mounted to know it. */
export const SOURCES = "buildSources";

/** What a step left behind. */
export interface StepResult {
  /** The layer it made; none for a step that changed no file. */
  chainId?: Digest;
  /** RFC 3339; kept so that a cached build gives the same image id. */
  created: string;
}

/** The files that a COPY takes: their digest as a whole, and those of single files if they are not too many. */
export interface SourcesDigest {
  digest: string;
  files: StepInput[];
  /** Of the layers they are in. */
  chainId?: Digest | "empty";
}

/** sha256 (hex) of plain data. */
export const hashOf = (data: unknown): string => createHash("sha256").update(JSON.stringify(data)).digest("hex");

const KEY_VERSION = 2;
/** Layers of a long build reach the disk before its end. */
const SYNC_AFTER = 1000;

/** What a step stands on: files, configuration, platform. */
export function stateKey({ chain, config, platform, author }: StageState, epoch?: number): string {
  const sorted = Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hashOf([
    KEY_VERSION,
    chain.at(-1) ?? "",
    sorted,
    platform,
    author ?? "",
    ...(epoch === undefined ? [] : [epoch]),
  ]);
}

/** A step's key: what it stands on, and what it does. */
export const stepKey = (base: string, step: unknown): string => hashOf([base, step]);

/**
 * Results of steps, for all builds. An entry is written when its step has made a layer: it survives a kill. Its layer may be
 * lost in a power cut until it is flushed; the layer store then forgets it, and the entry counts for nothing.
 */
export class BuildCache {
  private readonly host: Pick<BuildHost, "state" | "layers" | "clock">;
  private readonly used = new Map<string, string>();
  /** Of steps without a layer, which cost nothing to repeat: written together with the next that has one. */
  private readonly unwritten = new Map<string, { result: StepResult; record: StepRecord }>();
  private syncing = false;

  constructor(host: Pick<BuildHost, "state" | "layers" | "clock">) {
    this.host = host;
  }

  /** The result, if its layer is still there. */
  find(key: string): StepResult | undefined {
    const result = this.unwritten.get(key)?.result ?? this.host.state.get<StepResult>(RESULTS, key);
    return result?.chainId !== undefined && this.host.layers.get(result.chainId) === undefined ? undefined : result;
  }

  /** It was there once: its layer is gone. */
  isLost(key: string): boolean {
    return this.find(key) === undefined && this.host.state.get(RESULTS, key) !== undefined;
  }

  put(key: string, result: StepResult, record: StepRecord): void {
    this.unwritten.set(key, { result, record });
    if (result.chainId === undefined) return;
    this.host.state.commit(this.written(), { sync: false });
    this.syncSoon();
  }

  private written(): StateChange[] {
    const changes = [...this.unwritten].flatMap(([key, { result, record }]) => [
      { bucket: RESULTS, key, value: result },
      { bucket: STEPS, key, value: record },
    ]);
    this.unwritten.clear();
    return changes;
  }

  sources(key: string): SourcesDigest | undefined {
    return this.host.state.get<SourcesDigest>(SOURCES, key);
  }

  putSources(key: string, value: SourcesDigest): void {
    this.host.state.commit([{ bucket: SOURCES, key, value }], { sync: false });
  }

  records(): [key: string, record: StepRecord][] {
    return this.host.state.list<StepRecord>(STEPS);
  }

  /** Counts a hit; stored by `flush`. */
  touch(key: string): void {
    this.used.set(key, this.host.clock.stamp());
  }

  /** Stores what is not written yet, and which steps were used. Call it at a build's end. */
  flush(): void {
    const changes = this.written();
    for (const [key, lastUsed] of this.used) {
      const record = this.host.state.get<StepRecord>(STEPS, key);
      if (record) changes.push({ bucket: STEPS, key, value: { ...record, lastUsed, uses: record.uses + 1 } });
    }
    this.used.clear();
    if (changes.length > 0) this.host.state.commit(changes, { sync: false });
  }

  /** One flush for all steps that end within a while, beside the build. */
  private syncSoon(): void {
    if (this.syncing) return;
    this.syncing = true;
    this.host.clock.after(SYNC_AFTER, () => {
      this.syncing = false;
      // Should it fail, the one at the build's end tells.
      this.host.layers.sync().catch(() => {});
    });
  }
}
