import { GantryError } from "../base/errors.ts";
import type { Context } from "./command.ts";
import { withHint, words } from "./errors.ts";
import { Exit } from "./exit.ts";
import { compactJson, indentJson } from "./format/json.ts";
import { attempt } from "./format/listing.ts";

/** Prints the JSON of each name, or what the template makes of it. `fetch` gives the engine's JSON text. */
export async function inspectEach(
  context: Context,
  names: string[],
  format: string | undefined,
  fetch: (name: string) => Promise<string>,
): Promise<number> {
  const template = format === undefined || format === "" || format === "json" ? undefined : format;
  const render = template === undefined ? undefined : await compile(template);
  const found: string[] = [];
  const failures: string[] = [];
  let out = "";
  for (const name of names) {
    try {
      const text = await fetch(name);
      if (render === undefined) found.push(text);
      else out += `${attempt(() => render(text), "template parsing error")}\n`;
    } catch (error) {
      failures.push(withHint(words(error), error instanceof GantryError ? error.hint : undefined));
      if (error instanceof GantryError && error.kind === "unavailable") break;
    }
  }
  if (render === undefined) {
    out =
      format === "json"
        ? `[${found.map(compactJson).join(",")}]\n`
        : found.length === 0
          ? "[]\n"
          : `[\n${found.map((text) => `    ${indentJson(text, "    ")}`).join(",\n")}\n]\n`;
  }
  context.out.write(out === "" ? "\n" : out);
  if (failures.length === 0) return 0;
  context.err.write(`${failures.join("\n")}\n`);
  return 1;
}

/** A bad template is docker's status 64. */
async function compile(template: string): Promise<(json: string) => string> {
  const { compileTemplate } = await import("../base/go-template/index.ts");
  try {
    const render = compileTemplate(template, { missing: "error" });
    return (json) => render(withImageDefaults(JSON.parse(json) as object));
  } catch (error) {
    throw new Exit(64, `template parsing error: ${(error as Error).message}`);
  }
}

/** What newer engines leave out of an image's Config when it is empty, and templates ask for all the same. */
const IMAGE_CONFIG = {
  ...{ User: "", ExposedPorts: null, Env: null, Entrypoint: null, Cmd: null, Volumes: null, WorkingDir: "" },
  ...{ Labels: null, StopSignal: "", OnBuild: null, Healthcheck: null, Shell: null },
};

function withImageDefaults(found: object): object {
  if (!("RootFS" in found) || !("Config" in found)) return found;
  return { ...found, Config: { ...IMAGE_CONFIG, ...(found.Config as object) } };
}
