import type { Heredoc } from "./instruction.ts";
import { endsAt, heredocsOf, type Opening } from "./heredoc.ts";
import type { Place } from "../../base/excerpt.ts";
import { Problem } from "./problem.ts";

/** One instruction's text before it is understood. */
export interface LogicalLine {
  /** Continuations joined, comment lines dropped, trimmed. */
  text: string;
  line: number;
  endLine: number;
  heredocs: Heredoc[];
  /** The comment on the line right above. */
  comment?: string;
  /** A blank line stands inside. */
  blank: boolean;
  /** The physical place of the character at `offset` of `text`. */
  placeOf(offset: number): Place;
}

interface Piece {
  offset: number;
  line: number;
  column: number;
}

const COMMENT = /^\s*#/;
const HEREDOC_OWNERS = new Set(["RUN", "COPY", "ADD"]);

/**
 * Joins physical lines to logical ones. Blank and comment lines inside a continued instruction are skipped, as
 * Docker does; here-documents are taken as they are. Throws Problem for one without an end.
 */
export function logicalLines(lines: readonly string[], escape: string): LogicalLine[] {
  const continued = new RegExp(
    `(^|[^${escape === "\\" ? "\\\\" : escape}])${escape === "\\" ? "\\\\" : escape}[ \\t]*$`,
  );
  const result: LogicalLine[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = (lines[at] ?? "").trimStart();
    if (first === "" || first.startsWith("#")) {
      at += 1;
      continue;
    }
    const start = at;
    const pieces: Piece[] = [];
    let text = "";
    let blank = false;
    let more = true;
    while (more && at < lines.length) {
      const raw = lines[at] ?? "";
      if (at > start && (COMMENT.test(raw) || raw.trim() === "")) {
        blank ||= raw.trim() === "";
        at += 1;
        continue;
      }
      const lead = at === start ? raw.length - raw.trimStart().length : 0;
      let body = raw.slice(lead);
      const match = continued.exec(body);
      more = match !== null;
      if (match) body = body.slice(0, match.index + (match[1] ?? "").length);
      pieces.push({ offset: text.length, line: at + 1, column: lead + 1 });
      text += body;
      at += 1;
    }
    text = text.trimEnd();
    const placeOf = (offset: number): Place => {
      const piece = pieces.findLast((p) => p.offset <= offset) ?? { offset: 0, line: start + 1, column: 1 };
      return { line: piece.line, column: piece.column + offset - piece.offset };
    };
    const heredocs: Heredoc[] = [];
    const behind = at;
    const endsIn = (opening: Opening): boolean => lines.some((line, index) => index >= behind && endsAt(opening, line));
    for (const wanted of ownsHeredocs(text) ? heredocsOf(text, escape, endsIn) : []) {
      const body: string[] = [];
      for (;;) {
        const line = lines[at];
        if (line === undefined) {
          throw new Problem("unterminated heredoc", placeOf(Math.max(0, text.indexOf("<<"))), 2 + wanted.name.length);
        }
        at += 1;
        if (endsAt(wanted, line)) break;
        body.push(`${line}\n`);
      }
      heredocs.push({ ...wanted, content: body.join("") });
    }
    const comment = commentOf(lines[start - 1]);
    result.push({ text, line: start + 1, endLine: at, heredocs, blank, ...(comment ? { comment } : {}), placeOf });
  }
  return result;
}

const commentOf = (line: string | undefined): string | undefined => /^\s*#\s*(.*?)\s*$/.exec(line ?? "")?.[1];

function ownsHeredocs(text: string): boolean {
  if (!text.includes("<<")) return false;
  const [first = "", second = ""] = text.toUpperCase().split(/\s+/, 2);
  return HEREDOC_OWNERS.has(first) || (first === "ONBUILD" && HEREDOC_OWNERS.has(second));
}
