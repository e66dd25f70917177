/** Text for a page of the manual: no letter of it is taken for a request or an escape. */
export const plain = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/[`~^]/g, (char) => ({ "`": "\\(ga", "~": "\\(ti", "^": "\\(ha" })[char]!)
    .replace(/^(?=[.'])/gm, "\\&");

export const bold = (text: string): string => `\\fB${plain(text)}\\fR`;
export const italic = (text: string): string => `\\fI${plain(text)}\\fR`;

/** Lines stay lines. */
export const verbatim = (text: string): string => `.nf\n${plain(text)}\n.fi\n`;

/** Paragraphs at empty lines; where lines are indented, they stay as they are. */
export function paragraphs(text: string): string {
  return text
    .trim()
    .split(/\n\n+/)
    .map((part) => (/\n?^ +/m.test(part) ? verbatim(part) : `${plain(part)}\n`))
    .join(".PP\n");
}

/** A term and what it is. */
export const item = (term: string, words: string): string => `.TP\n${term}\n${words.trimEnd()}\n`;

export interface Page {
  /** gantry-run */
  name: string;
  section: 1 | 8;
  summary: string;
  /** Titles and their text as troff; what is empty is left out. */
  parts: [title: string, text: string][];
}

export function pageText({ name, section, summary, parts }: Page, version: string): string {
  const shown = parts.filter(([, text]) => text !== "").map(([title, text]) => `.SH ${title}\n${text.trimEnd()}\n`);
  return (
    `.TH "${plain(name.toUpperCase())}" ${section} "" "Gantry ${version}" "Gantry"\n.nh\n.ad l\n` +
    `.SH NAME\n${plain(name)} \\- ${plain(summary)}\n${shown.join("")}`
  );
}

export const seeAlso = (names: [name: string, section: number][]): string =>
  `${names.map(([name, section]) => `${bold(name)}(${section})`).join(",\n")}\n`;
