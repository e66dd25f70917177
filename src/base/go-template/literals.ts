const SIMPLE: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};
const ESCAPE = /\\(?:([abfnrtv\\"'])|x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]?))/g;

/** The text of a Go string or character literal with its quotes; undefined when an escape is wrong. */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  if (quote === "`") return literal.slice(1, -1).replaceAll("\r", "");
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const append = (text: string): void => {
    for (const byte of encoder.encode(text)) bytes.push(byte);
  };
  const inner = literal.slice(1, -1);
  let at = 0;
  for (const match of inner.matchAll(ESCAPE)) {
    append(inner.slice(at, match.index));
    at = match.index + match[0].length;
    const [, simple, hex, octal, short, long] = match;
    if (simple !== undefined) {
      if ((simple === '"' || simple === "'") && simple !== quote) return undefined;
      append(SIMPLE[simple] ?? "");
    } else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) {
      if (Number.parseInt(octal, 8) > 255) return undefined;
      bytes.push(Number.parseInt(octal, 8));
    } else {
      const code = short ?? long;
      const value = code === undefined ? Number.NaN : Number.parseInt(code, 16);
      if (!(value <= 0x10ffff) || (value >= 0xd800 && value < 0xe000)) return undefined;
      append(String.fromCodePoint(value));
    }
  }
  append(inner.slice(at));
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** A Go number literal; undefined when malformed. Whole numbers beyond 2⁵³ are bigints. */
export function parseNumber(text: string): number | bigint | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const size = text.replace(/^[+-]/, "").replace(/(?<=[\da-fA-FxXoObB])_(?=[\da-fA-F])/g, "");
  if (/^0[0-7]+$/.test(size)) return sign * Number.parseInt(size, 8);
  if (/^(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|0|[1-9]\d*)$/.test(size)) {
    const value = BigInt(size.toLowerCase());
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return sign * Number(value) || 0;
    return value < 1n << 64n ? BigInt(sign) * value : undefined;
  }
  if (!/^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(size)) return undefined;
  const value = Number(size);
  return Number.isFinite(value) ? sign * value : undefined;
}

const NAMED = new Map(Object.entries(SIMPLE).map(([name, char]) => [char, `\\${name}`]));

/** Go's strconv.Quote; `ascii` also escapes what is not ASCII. */
export function quote(text: string, mark: '"' | "'" = '"', ascii = false): string {
  let result = mark as string;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === mark || char === "\\") result += `\\${char}`;
    else if (NAMED.has(char) && char !== '"' && char !== "'") result += NAMED.get(char);
    else if (code < 0x20 || code === 0x7f) result += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (code < 0x7f || (!ascii && /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char))) result += char;
    else if (code >= 0xd800 && code < 0xe000) result += ascii ? "\\ufffd" : "\ufffd";
    else
      result += code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  }
  return result + mark;
}

/** Half of a surrogate pair, which Go's strings cannot hold, becomes U+FFFD. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, "\ufffd");
