/** A place in a file; both count from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Shown lines are cut here, so that a 1 MB line doesn't become a 1 MB message. */
const SHOWN = 160;

/** The line with its number, and a caret below what is meant. */
export function excerpt(content: string, { line, column }: Place, wanted: number, remark?: string): [string, string] {
  const text = visible(content.slice(0, SHOWN));
  const margin = " ".repeat(String(line).length);
  const start = Math.min(column, SHOWN);
  const width = Math.max(1, Math.min(wanted, text.length - start + 1));
  const caret = `${" ".repeat(start - 1)}${"^".repeat(width)}${remark === undefined ? "" : ` ${remark}`}`;
  return [` ${line} | ${text}`, ` ${margin} | ${caret}`];
}

/** Control characters would move the terminal's cursor: one visible sign each, tabs as one space to keep the caret right. */
export const visible = (text: string): string =>
  text.replaceAll("\t", " ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "\u{fffd}");
