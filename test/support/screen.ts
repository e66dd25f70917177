/** What a terminal shows in the end of what was written to it. */
export function screenOf(text: string): string {
  const lines = [""];
  let row = 0;
  let column = 0;
  for (const part of text.split(/(\u001b\[\d*[AJK]|\r|\n)/)) {
    const up = /^\u001b\[(\d+)A$/.exec(part)?.[1];
    if (up !== undefined) row -= Number(up);
    else if (part === "\u001b[J") lines.splice(row, Infinity, lines[row]!.slice(0, column));
    else if (part === "\u001b[K") lines[row] = lines[row]!.slice(0, column);
    else if (part === "\n") lines[(row += 1)] ??= "";
    else if (part !== "\r") lines[row] = lines[row]!.slice(0, column) + part + lines[row]!.slice(column + part.length);
    if (/^[\r\n]$|A$/.test(part)) column = 0;
    else if (!part.startsWith("\u001b")) column += part.length;
  }
  return lines.join("\n");
}
