import type { CheckReport, CheckWarning } from "../../base/build-checks.ts";
import { excerpt } from "../../base/excerpt.ts";
import type { BuildOptions, Images } from "../../client/images.ts";
import type { BuildContext } from "../../local/context.ts";
import type { Context } from "../command.ts";
import { describe } from "../errors.ts";
import { Exit } from "../exit.ts";

export type CheckFormat = "text" | "json";

export function checkFormat(text: string): CheckFormat {
  if (text === "text" || text === "json") return text;
  throw new Error("text or json is expected");
}

/** `gantry build --check`: looks and doesn't build. Ends with 1 where something was found, as docker does. */
export async function checkBuild(
  context: Context,
  images: Pick<Images, "checkBuild">,
  prepared: BuildContext | undefined,
  options: BuildOptions,
  format: CheckFormat,
): Promise<void> {
  let report: CheckReport;
  try {
    report = await images.checkBuild(prepared && sent(prepared), options);
  } catch (error) {
    throw new Exit(1, describe(error));
  }
  const { warnings } = report;
  context.out.write(format === "json" ? `${JSON.stringify(report, null, 2)}\n` : checkText(report));
  if (warnings.length > 0) throw new Exit(1, "");
}

const sent = ({ rules, tar }: BuildContext): Buffer | AsyncIterable<Buffer> =>
  rules ? Buffer.concat([...rules]) : whole(tar);

async function* whole(tar: BuildContext["tar"]): AsyncGenerator<Buffer> {
  yield* tar;
}

/** Each warning with its line and a caret. */
export function checkText({ warnings, sources }: CheckReport): string {
  const [source] = sources;
  const lines = Buffer.from(source?.data ?? "", "base64")
    .toString("utf8")
    .split(/\r?\n/);
  const many = warnings.length === 1 ? "1 warning has" : `${warnings.length} warnings have`;
  const end = warnings.length === 0 ? "Check complete, no warnings found." : `Check complete, ${many} been found!`;
  const parts = warnings.map((warning) => warningText(warning, source?.fileName ?? "Dockerfile", lines));
  return [...parts, `${end}\n`].join("\n");
}

function warningText({ ruleName, detail, location }: CheckWarning, file: string, lines: readonly string[]): string {
  const heading = `WARNING: ${ruleName}\n${detail}\n`;
  const range = location.ranges[0];
  if (range === undefined) return heading;
  const { line, character } = range.start;
  const text = lines[line - 1] ?? "";
  const width = (range.end.line === line ? range.end.character : text.length) - character;
  const shown = excerpt(text, { line, column: character + 1 }, width).join("\n");
  return `${heading}${file}:${line}:${character + 1}\n${shown}\n`;
}
