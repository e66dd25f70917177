import { GantryError } from "../../base/errors.ts";

/**
 * What the engine does with volumes right now, by name: readers share one, a writer has it alone. In memory only, for what
 * ends with the engine.
 */
export class VolumeClaims {
  private readonly readers = new Map<string, Set<{ doing: string }>>();
  private readonly writers = new Map<string, string>();

  /** `doing`: "being exported". The result ends the claim. Throws conflict VOLUME_BUSY. */
  share(name: string, doing: string): () => void {
    const writer = this.writers.get(name);
    if (writer !== undefined) throw busy(name, writer);
    const claim = { doing };
    const readers = this.readers.get(name) ?? new Set();
    this.readers.set(name, readers.add(claim));
    return () => {
      readers.delete(claim);
      if (readers.size === 0 && this.readers.get(name) === readers) this.readers.delete(name);
    };
  }

  /** Throws conflict VOLUME_BUSY. */
  own(name: string, doing: string): () => void {
    this.requireFree(name);
    this.writers.set(name, doing);
    return () => void this.writers.delete(name);
  }

  /** Throws conflict VOLUME_BUSY. */
  requireFree(name: string): void {
    const doing = this.writers.get(name) ?? [...(this.readers.get(name) ?? [])][0]?.doing;
    if (doing !== undefined) throw busy(name, doing);
  }
}

const busy = (name: string, doing: string): GantryError =>
  new GantryError("conflict", "VOLUME_BUSY", `volume ${name} is ${doing}`, { hint: "try again when that is over" });
