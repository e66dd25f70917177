import fs from "node:fs";

/** A control file's text; "" where it is missing. */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Lines of a name and a number. */
export function keyed(text: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const cut = line.indexOf(" ");
    if (cut > 0) result[line.slice(0, cut)] = Number(line.slice(cut + 1));
  }
  return result;
}

/** A file that holds a number; 0 without one. */
export const numberIn = (file: string): number => Number(readText(file)) || 0;

/** A file that holds a limit; undefined for "max" and where it is missing. */
export function limitIn(file: string): number | undefined {
  const text = readText(file).trim();
  return text === "" || text === "max" ? undefined : Number(text);
}
