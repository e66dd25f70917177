import type { Outcome } from "./builders.ts";

export type PeerName = "dockerd" | "buildah";
/** How gantryd is asked: with a tar, or with a folder. */
export const WAYS = ["docker build", "gantry build"] as const;
export type Way = (typeof WAYS)[number];

/** What gantryd builds otherwise than a peer, and is to. */
export interface BuildDifference {
  /** The cases; without: all of them. */
  cases?: string[];
  peer: PeerName;
  /** Without: both. */
  way?: Way;
  /** A path or a field of the configuration; "image": whether there is one at all. */
  at: RegExp;
  /** What it says there: the peer's, then gantryd's. */
  says?: RegExp;
  why: string;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted()));
}

/** Everything that is not the same, a line each: `where: theirs | ours`. */
function unequal(theirs: Outcome, ours: Outcome): { at: string; says: string }[] {
  if (theirs === "fails" || ours === "fails") {
    if (theirs === ours) return [];
    const word = (outcome: Outcome): string => (outcome === "fails" ? "none" : "one");
    return [{ at: "image", says: `${word(theirs)} | ${word(ours)}` }];
  }
  const out: { at: string; says: string }[] = [];
  for (const part of ["files", "config"] as const) {
    const [a, b]: Record<string, unknown>[] = [theirs[part], ours[part]] as [object, object] as Record<
      string,
      unknown
    >[];
    for (const at of [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].toSorted()) {
      const [says, our] = [show(a?.[at]), show(b?.[at])];
      if (says !== our) out.push({ at: part === "files" ? `/${at}` : at, says: `${says} | ${our}` });
    }
  }
  return out;
}

/** Holds outcomes against each other; what is not listed is a problem, and so is what is listed without need. */
export class BuildComparison {
  private readonly differences: readonly BuildDifference[];
  private readonly used = new Set<BuildDifference>();

  constructor(differences: readonly BuildDifference[]) {
    this.differences = differences;
  }

  check(name: string, [peer, way]: [PeerName, Way], theirs: Outcome, ours: Outcome): string[] {
    return unequal(theirs, ours).flatMap(({ at, says }) => {
      const listed = this.differences.filter(
        (one) =>
          one.peer === peer &&
          (one.way ?? way) === way &&
          (one.cases?.includes(name) ?? true) &&
          one.at.test(at) &&
          (one.says?.test(says) ?? true),
      );
      for (const one of listed) this.used.add(one);
      return listed.length > 0 ? [] : [`${at}: ${says}`];
    });
  }

  unused(): string[] {
    return this.differences
      .filter((one) => !this.used.has(one))
      .map(({ peer, at, says, why }) => `${peer} at ${at} ${says ?? ""}: ${why}`);
  }
}
