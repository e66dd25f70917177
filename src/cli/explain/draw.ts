import type { ByHand } from "../../base/explanation.ts";

export type Tone = "plain" | "good" | "warn" | "bad" | "dim";
export type Cell = string | { text: string; tone: Tone };

export type Part =
  | { kind: "facts"; rows: [label: string, value: Cell][] }
  /** The last column takes what is left of the line. */
  | { kind: "table"; head: string[]; rows: Cell[][] };

export interface Picture {
  title: string;
  /** Beside the title. */
  note?: string;
  parts: Part[];
  byHand: readonly ByHand[];
  /** The command that shows all of it, for where it is folded. */
  all: string;
}

export interface Paper {
  /** Columns; Infinity: nothing is cut. */
  width: number;
  colour: boolean;
  /** Lines of a section; Infinity: nothing is folded. */
  height: number;
}

const TONES: Record<Tone | "title" | "head" | "command", string> = {
  plain: "",
  good: "\u001b[32m",
  warn: "\u001b[33m",
  bad: "\u001b[31m",
  dim: "\u001b[2m",
  title: "\u001b[1;36m",
  head: "\u001b[1m",
  command: "\u001b[36m",
};

const paint = (paper: Paper, text: string, tone: keyof typeof TONES): string =>
  paper.colour && TONES[tone] !== "" && text !== "" ? `${TONES[tone]}${text}\u001b[0m` : text;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not get to a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
const GAP = "  ";
const LEAST = 12;
const LEAST_ROWS = 6;

/** Text of containers' never reaches the terminal as commands to it. */
const clean = (text: string): string => text.replace(CONTROL, "·");
const textOf = (cell: Cell): string => clean(typeof cell === "string" ? cell : cell.text);
const toneOf = (cell: Cell): Tone => (typeof cell === "string" ? "plain" : cell.tone);
const cut = (text: string, width: number): string => {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
};
const lengthOf = (text: string): number => [...text].length;
const padded = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - lengthOf(text)));

/** Lines of at most `width`, parted at blanks where that is possible. */
export function wrap(text: string, width: number): string[] {
  if (lengthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line !== "" && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = "";
    }
    for (; lengthOf(word) > width; word = [...word].slice(width).join(""))
      lines.push([...word].slice(0, width).join(""));
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function drawFacts(rows: [string, Cell][], paper: Paper): string[] {
  const label = Math.max(...rows.map(([name]) => lengthOf(name)));
  const room = Math.max(LEAST, paper.width - 2 - label - GAP.length);
  return rows.flatMap(([name, value]) =>
    wrap(textOf(value), room).map(
      (line, index) =>
        `  ${paint(paper, padded(index === 0 ? name : "", label), "dim")}${GAP}${paint(paper, line, toneOf(value))}`,
    ),
  );
}

function drawTable(head: string[], rows: Cell[][], paper: Paper): string[] {
  const last = head.length - 1;
  const widths = head.map((name, at) =>
    Math.max(lengthOf(name), ...rows.map((row) => lengthOf(textOf(row[at] ?? "")))),
  );
  // The widest columns but the last give way until the last has some room.
  const spare = (): number =>
    paper.width - 2 - widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const wanted = Math.min(widths[last] ?? 0, Math.floor(paper.width / 3));
  while (spare() < wanted) {
    const widest = widths.slice(0, last).reduce((best, width, at, all) => (width > (all[best] ?? 0) ? at : best), 0);
    if ((widths[widest] ?? 0) <= LEAST) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  widths[last] = Math.max(1, Math.min(widths[last] ?? 0, spare()));
  const line = (cells: Cell[], tone?: "head"): string =>
    `  ${cells
      .map((cell, at) => {
        const text = cut(textOf(cell), widths[at] ?? 0);
        return paint(paper, at === last ? text : padded(text, widths[at] ?? 0), tone ?? toneOf(cell));
      })
      .join(GAP)}`.trimEnd();
  return [line(head, "head"), ...rows.map((row) => line(row))];
}

/** Commands are whole, so that they can be pasted. */
function drawByHand(commands: readonly ByHand[], paper: Paper): string[] {
  return commands.flatMap(({ command, shows }) => {
    const whole = `  $ ${clean(command)}`;
    const comment = `# ${shows}`;
    if (lengthOf(whole) + GAP.length + lengthOf(comment) <= paper.width) {
      return [`${paint(paper, whole, "command")}${GAP}${paint(paper, comment, "dim")}`];
    }
    return [paint(paper, cut(`  ${comment}`, paper.width), "dim"), paint(paper, whole, "command")];
  });
}

/** One section, a line each. */
export function draw(picture: Picture, paper: Paper): string[] {
  const note = picture.note === undefined ? "" : `  ${clean(picture.note)}`;
  const title = cut(`${picture.title}${note}`, paper.width);
  const head = `${paint(paper, title.slice(0, picture.title.length), "title")}${paint(paper, title.slice(picture.title.length), "dim")}`;
  const body = picture.parts
    .filter(({ rows }) => rows.length > 0)
    .flatMap((part) => (part.kind === "facts" ? drawFacts(part.rows, paper) : drawTable(part.head, part.rows, paper)));
  const commands = drawByHand(picture.byHand, paper);
  // a command that is longer than the terminal is wide takes several of its lines
  const taken = picture.byHand.reduce((sum, { command }) => {
    const length = lengthOf(command) + 4;
    return sum + (length > paper.width ? Math.ceil(length / paper.width) - 1 : 0);
  }, commands.length);
  const room = Math.max(LEAST_ROWS, paper.height - 1 - taken);
  if (body.length > room) {
    const shown = body.slice(0, room - 1);
    const left = body.length - shown.length;
    return [head, ...shown, paint(paper, `  … ${left} more lines: ${picture.all}`, "dim"), ...commands];
  }
  return [head, ...body, ...commands];
}
