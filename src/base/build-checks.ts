/** One thing that a build check found, in the shape that `docker build --call=check,format=json` has. */
export interface CheckWarning {
  ruleName: string;
  /** What the rule is for. */
  description: string;
  /** What is wrong here. */
  detail: string;
  location: { ranges: CheckRange[] };
}

/** Lines from 1, characters from 0; the end is behind the last one. */
export interface CheckRange {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

export interface CheckReport {
  warnings: CheckWarning[];
  /** The Dockerfile; `data` in base64. */
  sources: { fileName: string; language: "Dockerfile"; data: string }[];
}

/** What checks found, in short, for the end of a build; "" for nothing. */
export function checksText(found: readonly { rule?: string; message: string; line?: number }[]): string {
  if (found.length === 0) return "";
  const count = `${found.length} warning${found.length === 1 ? "" : "s"}`;
  const lines = found.map(({ rule, message, line }) => ` - ${rule}: ${message} (line ${line})\n`);
  return `\n ${count} found (gantry build --check shows where):\n${lines.join("")}`;
}
