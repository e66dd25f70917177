import { evaluate } from "./evaluate.ts";
import { FUNCTIONS, HEADING_FUNCTIONS } from "./functions.ts";
import { parse } from "./parser.ts";

export interface TemplateOptions {
  /** The template's name in errors; default "". */
  name?: string;
  /** A missing key of a map: an error, the zero value of the map's type, or `<no value>` (default). */
  missing?: "error" | "zero" | "noValue";
  /** Go's type name of the data (`*formatter.ContainerContext`): its missing fields are errors that name the type. */
  typeName?: string;
  /** For a table's header line: docker's own functions (`upper`, `json`, …) give their text back unchanged. */
  heading?: boolean;
}

/**
 * Go's text/template with docker/cli's functions, for `--format`. Data are JSON-like values; functions in them are
 * methods (`{{.Label "a"}}`). Both compiling and running throw invalid BAD_TEMPLATE in Go's words
 * (`template: :1:2: executing "" at <.Foo>: …`).
 */
export function compileTemplate(text: string, options: TemplateOptions = {}): (data: unknown) => string {
  const functions = options.heading ? HEADING_FUNCTIONS : FUNCTIONS;
  const templates = parse(options.name ?? "", text, new Set([...functions.keys(), "call"]));
  const { missing = "noValue", typeName } = options;
  return (data) => evaluate(templates, data, { functions, missing, ...(typeName === undefined ? {} : { typeName }) });
}
