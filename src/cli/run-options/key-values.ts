import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileError } from "../file-errors.ts";
import { quote } from "../flags.ts";

export interface Surroundings {
  env: Record<string, string | undefined>;
  cwd: string;
}

/** `KEY=VALUE`, or `KEY` alone for the value that it has here (stays bare if it has none: the engine drops it). */
export function environmentOf(files: string[], given: string[], around: Surroundings): string[] {
  const fromFiles = files.flatMap((file) => readLines(file, around, (name) => around.env[name]));
  const own = given.map((entry) => {
    if (entry.includes("=")) return entry;
    const value = around.env[entry];
    return value === undefined ? entry : `${entry}=${value}`;
  });
  return [...fromFiles, ...own];
}

/** `key=value`, or `key` alone for an empty value. */
export function labelsOf(files: string[], given: string[], around: Surroundings): Record<string, string> {
  const lines = files.flatMap((file) => readLines(file, around, undefined));
  return Object.fromEntries([...lines, ...given].map(pairOf));
}

export function pairOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Lines of a file without blanks and comments. `lookup` gives the value of a bare name; without a value it is left out. */
function readLines(
  file: string,
  { cwd }: Surroundings,
  lookup: ((name: string) => string | undefined) | undefined,
): string[] {
  let content: string;
  try {
    content = readFileSync(resolve(cwd, file), "utf8");
  } catch (error) {
    throw fileError("open", file, error);
  }
  const result: string[] = [];
  content
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .forEach((raw, index) => {
      const line = raw.trimStart();
      if (line === "" || line.startsWith("#")) return;
      if (line.includes("\uFFFD")) throw new Error(`env file ${file} contains invalid utf8 bytes at line ${index + 1}`);
      const at = line.indexOf("=");
      const name = at === -1 ? line : line.slice(0, at);
      if (name === "") throw new Error(`no variable name on line '${line}'`);
      if (/\s/.test(name)) throw new Error(`variable '${name}' contains whitespaces`);
      if (at !== -1) result.push(line);
      else if (lookup === undefined) result.push(line);
      else if (lookup(name) !== undefined) result.push(`${name}=${lookup(name)}`);
    });
  return result;
}

/** Comma-separated fields as CSV has them: `"` quotes. */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  let at = 0;
  do {
    let field = "";
    if (text[at] === '"') {
      at += 1;
      for (; at < text.length; at += 1) {
        if (text[at] === '"' && text[at + 1] === '"') at += 1;
        else if (text[at] === '"') break;
        field += text[at];
      }
      at += 1;
      if (at < text.length && text[at] !== ",")
        throw new Error(`parse error on line 1, column ${at}: extraneous or missing " in quoted-field`);
    } else {
      const end = text.indexOf(",", at);
      field = text.slice(at, end === -1 ? undefined : end);
      if (field.includes('"')) throw new Error(`bare ${quote('"')} in non-quoted-field`);
      at = end === -1 ? text.length : end;
    }
    fields.push(field);
  } while (text[at++] === ",");
  return fields;
}
