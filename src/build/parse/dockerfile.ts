import { Arguments } from "./arguments.ts";
import { parseBody } from "./bodies.ts";
import { checkLanguage, leadingDirectives } from "./directives.ts";
import { type Dockerfile, INSTRUCTION_NAMES, type Instruction, type Origin } from "./instruction.ts";
import { type LogicalLine, logicalLines } from "./lines.ts";
import { dockerfileError, nearest, Problem } from "./problem.ts";

/** A shell line that something must follow. */
const UNFINISHED = /(?:&&|\|\|?|;|,)$/;

/**
 * The Dockerfile as typed instructions with their places. Pure. `file` is the name that errors show; `language` stands for
 * the file's own `# syntax=`. Throws invalid BAD_DOCKERFILE with all problems that were found: Docker's line, then the place with a
 * caret and what was meant.
 */
export function parseDockerfile(text: string, file = "Dockerfile", language?: string): Dockerfile {
  const lines = linesOf(text);
  const problems: Problem[] = [];
  const dockerfile = collecting(problems, () => {
    const directives = leadingDirectives(lines, problems);
    checkLanguage(directives.syntax, language);
    const escape = directives.escape?.value ?? "\\";
    const logical = logicalLines(lines, escape);
    if (logical.length === 0) throw new Problem("file with no instructions", { line: 1, column: 1 });
    const instructions = logical.flatMap(
      (line, index) => collecting(problems, () => parseLine(line, escape, logical[index - 1])) ?? [],
    );
    if (problems.length === 0) checkOrder(instructions);
    const { syntax, check } = directives;
    return {
      escape,
      ...(syntax ? { syntax: syntax.value } : {}),
      ...(check ? { check } : {}),
      instructions,
      warnings: emptyContinuations(logical),
    };
  });
  const [first, ...others] = problems;
  if (first) throw dockerfileError([first, ...others], file, lines);
  if (dockerfile === undefined) throw new Error("a Dockerfile without problems was not read");
  return dockerfile;
}

/** What `work` gives; a Problem that it throws goes to the others. */
function collecting<T>(problems: Problem[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

/** Docker's classic words. */
function emptyContinuations(lines: readonly LogicalLine[]): string[] {
  const found = lines.filter((line) => line.blank).map(({ text }) => `Empty continuation line found in:\n    ${text}`);
  return found.length === 0 ? [] : [...found, "Empty continuation lines will become errors in a future release"];
}

/** One instruction alone: an ONBUILD trigger, a `--change`. */
export function parseInstruction(text: string, about: string): Instruction {
  const lines = linesOf(text);
  try {
    const [line, second] = logicalLines(lines, "\\");
    if (line === undefined || second !== undefined) {
      throw new Problem("a single instruction is expected", { line: second?.line ?? 1, column: 1 });
    }
    return parseLine(line, "\\");
  } catch (error) {
    throw error instanceof Problem ? dockerfileError(error, about, lines) : error;
  }
}

/** Lines without their ends; what follows the last line's end is none. */
export const linesOf = (text: string): string[] =>
  text
    .replace(/^\u{feff}/u, "")
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);

function parseLine(line: LogicalLine, escape: string, above?: LogicalLine): Instruction {
  const head = /^\S+/.exec(line.text)?.[0] ?? "";
  const name = INSTRUCTION_NAMES.find((known) => known === head.toUpperCase());
  if (name === undefined) {
    const hint =
      above && UNFINISHED.test(above.text) ? `does line ${above.endLine} lack a ${escape} at its end?` : undefined;
    const meant = hint === undefined ? nearest(head, INSTRUCTION_NAMES) : undefined;
    throw new Problem(`unknown instruction: ${head}`, line.placeOf(0), head.length, meant, hint);
  }
  const start = head.length + (/^\s*/.exec(line.text.slice(head.length))?.[0].length ?? 0);
  const args = new Arguments(name, line, start, escape);
  const origin: Origin = { line: line.line, endLine: line.endLine, text: line.text.trim() };
  if (line.comment !== undefined) origin.comment = line.comment;
  if (line.blank) origin.blank = true;
  return { ...parseBody(name, args), origin };
}

function checkOrder(instructions: readonly Instruction[]): void {
  const first = instructions.find((instruction) => instruction.kind !== "arg");
  if (first !== undefined && first.kind !== "from") {
    const width = first.origin.text.split(/\s/, 1)[0]?.length ?? 1;
    throw new Problem("no build stage in current context", { line: first.origin.line, column: 1 }, width);
  }
}
