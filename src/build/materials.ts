/** Something that a build was made of, by its address and what it was: a provenance's material. */
export interface Material {
  uri: string;
  /** By algorithm, in hex. */
  digest: Record<string, string>;
}

/** What one build was made of. */
export class Materials {
  private readonly known = new Map<string, Material>();

  add(material: Material): void {
    this.known.set(JSON.stringify(material), material);
  }

  /** Sorted, whatever stage came first. */
  list(): Material[] {
    return [...this.known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, material]) => material);
  }
}

/** An address without the password that may be in it. */
export const publicUrl = (url: string): string => url.replace(/^(\w+:\/\/)[^/@]*@/, "$1");
