import { messageOf } from "../../base/errors.ts";
import type { Output } from "../terminal/output.ts";
import { goJson } from "./json.ts";
import { alignTabs } from "./table.ts";

/** What one row offers to a template, by field; `labels` serve `.Label "key"`. */
export interface Row {
  fields: Record<string, string | boolean | null>;
  labels?: Record<string, string> | null;
}

export interface Listing {
  /** Go's type of a row, for errors: "*formatter.ContainerContext". */
  typeName: string;
  /** Field → heading. Fields without one can't stand in a table. */
  headings: Record<string, string>;
  /** The fields of the plain table, in order. */
  columns: string[];
  rows: Row[];
}

/** What --format says. */
export type Format = { kind: "table"; template?: string } | { kind: "json" } | { kind: "template"; template: string };

export function parseFormat(text: string | undefined): Format {
  if (text === undefined || text === "" || text === "table") return { kind: "table" };
  // Go's own JSON of the whole row, with its escapes.
  if (text === "json" || /^\{\{ *json \. *\}\}$/.test(text)) return { kind: "json" };
  if (text.startsWith("table")) return { kind: "table", template: unescape(text.slice(5).trim()) };
  return { kind: "template", template: unescape(text) };
}

/** A shell leaves \t and \n as they are typed. */
const unescape = (text: string): string => text.replaceAll("\\t", "\t").replaceAll("\\n", "\n");

/** Prints rows as a table, as JSON lines, or by a template. */
export async function printListing(out: Output, listing: Listing, format: Format): Promise<void> {
  if (format.kind === "json") {
    for (const row of listing.rows) out.write(`${goJson(row.fields)}\n`);
    return;
  }
  if (format.kind === "table" && format.template === undefined) {
    const lines = [listing.columns.map((name) => listing.headings[name]!)];
    for (const row of listing.rows) lines.push(listing.columns.map((name) => String(row.fields[name] ?? "")));
    out.write(alignTabs(`${lines.map((cells) => cells.join("\t")).join("\n")}\n`));
    return;
  }
  const { compileTemplate } = await import("../../base/go-template/index.ts");
  const compile = (heading: boolean): ((data: unknown) => string) =>
    attempt(() => compileTemplate(format.template!, { heading, typeName: listing.typeName }), "template parsing error");
  const render = compile(false);
  // Without a row a wrong field would pass unseen.
  if (listing.rows.length === 0)
    attempt(() => render(dataOf(listing.headings, undefined)), "failed to execute template");
  let text = "";
  for (const row of listing.rows) {
    text += `${attempt(() => render(dataOf(row.fields, row.labels)), "failed to execute template")}\n`;
  }
  if (format.kind === "table") {
    const headings = dataOf(listing.headings, undefined);
    Object.defineProperty(headings, "Label", { configurable: true, value: (key: string) => key.split(".").at(-1)! });
    text = alignTabs(`${attempt(() => compile(true)(headings), "failed to execute template")}\n${text}`);
  }
  out.write(text);
}

/** Names what failed in front of a template's error. */
export function attempt<T>(action: () => T, what: string): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** The dot of the template. Methods are not enumerable, so that {{json .}} shows the fields alone. */
function dataOf(
  fields: Record<string, string | boolean | null>,
  labels: Record<string, string> | null | undefined,
): Record<string, unknown> {
  const data: Record<string, unknown> = { ...fields };
  Object.defineProperty(data, "Label", { configurable: true, value: (key: string) => labels?.[key] ?? "" });
  return data;
}
