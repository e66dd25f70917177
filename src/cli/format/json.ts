const ESCAPES: Record<string, string> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON as Go writes it: characters that mean something to HTML are escaped. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPES[char]!);

/**
 * Indents JSON text without reading it into values, so that big numbers, the order of keys and escapes stay as the
 * engine wrote them.
 */
export function indentJson(text: string, prefix: string, step = "    "): string {
  let out = "";
  let depth = 0;
  const newline = (): string => `\n${prefix}${step.repeat(depth)}`;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    if (token === "{" || token === "[") {
      const close = token === "{" ? "}" : "]";
      if (tokens[at + 1] === close) {
        out += token + close;
        at += 1;
      } else {
        depth += 1;
        out += token + newline();
      }
    } else if (token === "}" || token === "]") {
      depth -= 1;
      out += newline() + token;
    } else if (token === ",") out += token + newline();
    else if (token === ":") out += ": ";
    else out += token;
  }
  return out;
}

/** JSON text on one line. */
export const compactJson = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (token) => (token.startsWith('"') ? token : ""));
