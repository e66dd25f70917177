import type { Answer } from "./scenario.ts";

/** A text that one of the two always writes differently. */
export interface Rewording {
  /** In whose answers `find` is replaced before the two are compared. */
  side: "dockerd" | "gantryd";
  find: RegExp;
  put: (text: string) => string;
  why: string;
}

/** What gantryd answers otherwise than dockerd, and is to. */
export interface Difference {
  scenario: string;
  command: string;
  why: string;
  /** Only what differs, as gantryd has it. */
  code?: number;
  stdout?: string;
  stderr?: string;
}

export interface Problem {
  scenario: string;
  command: string;
  what: string;
}

const FIELDS = ["code", "stdout", "stderr"] as const;

/** Holds answers against each other; what is not on the lists is a problem, and so is what is on them without need. */
export class Comparison {
  private readonly rewordings: Rewording[];
  private readonly differences: Difference[];
  private readonly used = new Set<Rewording | Difference>();
  private readonly seen = new Set<string>();

  constructor(rewordings: Rewording[], differences: Difference[]) {
    this.rewordings = rewordings;
    this.differences = differences;
  }

  check(scenario: string, theirs: Answer[], ours: Answer[]): Problem[] {
    this.seen.add(scenario);
    const problems: Problem[] = [];
    const problem = (command: string, what: string): void => void problems.push({ scenario, command, what });
    for (const [at, own] of ours.entries()) {
      const given = this.reworded("gantryd", own);
      const other = theirs[at];
      if (other?.command !== own.command) {
        problem(own.command, "has no recorded answer: npm run compare -- --record");
        break;
      }
      const listed = this.differences.find((one) => one.scenario === scenario && one.command === own.command);
      if (listed) this.used.add(listed);
      const expected = { ...this.reworded("dockerd", other) };
      for (const field of FIELDS) {
        const wanted = listed?.[field];
        if (wanted === undefined) continue;
        if (wanted === expected[field]) problem(own.command, `${field} is listed as different and is not`);
        Object.assign(expected, { [field]: wanted });
      }
      for (const field of FIELDS) {
        if (given[field] === expected[field]) continue;
        const name = listed?.[field] === undefined ? "dockerd" : "listed ";
        problem(
          own.command,
          `${field}\n    ${name}: ${JSON.stringify(expected[field])}\n    gantryd: ${JSON.stringify(given[field])}`,
        );
      }
    }
    if (theirs.length > ours.length) problem(theirs[ours.length]!.command, "is recorded and is no command any more");
    return problems;
  }

  /** What is on the lists and was not met; of differences, those of scenarios that ran. */
  unused(): string[] {
    return [
      ...this.rewordings.filter((one) => !this.used.has(one)).map((one) => `${one.side} no longer writes ${one.find}`),
      ...this.differences
        .filter((one) => !this.used.has(one) && this.seen.has(one.scenario))
        .map((one) => `${one.scenario} has no such command: ${one.command}`),
    ];
  }

  private reworded(side: Rewording["side"], answer: Answer): Answer {
    const result = { ...answer };
    for (const one of this.rewordings) {
      if (one.side !== side) continue;
      for (const field of ["stdout", "stderr"] as const) {
        const text = result[field].replace(one.find, one.put);
        if (text !== result[field]) this.used.add(one);
        result[field] = text;
      }
    }
    return result;
  }
}
