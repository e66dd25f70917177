const PADDING = 3;

/** Terminal columns are counted as code points, as docker counts them. */
const widthOf = (text: string): number => {
  let width = 0;
  for (const _ of text) width += 1;
  return width;
};

/**
 * Lays lines of tab-terminated cells out in columns, as Go's text/tabwriter does: what follows the last tab is not
 * padded, and a column's width is that of its widest cell within a run of lines that have the column.
 */
export function alignTabs(text: string, minimum = 10): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const padded = lines.map((cells) => [...cells]);
  const settle = (from: number, to: number, column: number): void => {
    for (let at = from; at < to; ) {
      if (lines[at]!.length - 1 <= column) {
        at += 1;
        continue;
      }
      let end = at;
      let width = minimum;
      for (; end < to && lines[end]!.length - 1 > column; end += 1) {
        width = Math.max(width, widthOf(lines[end]![column]!) + PADDING);
      }
      for (let row = at; row < end; row += 1) {
        const cell = lines[row]![column]!;
        padded[row]![column] = cell + " ".repeat(width - widthOf(cell));
      }
      settle(at, end, column + 1);
      at = end;
    }
  };
  settle(0, lines.length, 0);
  return padded.map((cells) => cells.join("")).join("\n");
}
