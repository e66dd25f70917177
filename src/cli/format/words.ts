/** The first 12 digits of an id. */
export const shortId = (id: string): string => {
  const at = id.indexOf(":");
  return (at === -1 ? id : id.slice(at + 1)).slice(0, 12);
};

/** At most `most` letters, the last one an ellipsis if some had to go. */
export function ellipsis(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}

export const labelsText = (labels: Record<string, string> | null | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");

const SIMPLE: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Go's strconv.Quote: control characters become escapes, so that nothing reaches the terminal raw. */
export const goQuote = (text: string): string =>
  `"${text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/gu, (char) => {
    if (SIMPLE[char] !== undefined) return SIMPLE[char];
    const code = char.codePointAt(0)!;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  })}"`;

/** Orders as people do: "a2" before "a10". */
export function naturally(a: string, b: string): number {
  const split = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const left = split(a);
  const right = split(b);
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const [x, y] = [left[at]!, right[at]!];
    if (x === y) continue;
    const both = /^\d/.test(x) && /^\d/.test(y);
    if (both && Number(x) !== Number(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
