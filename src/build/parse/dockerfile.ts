import { Arguments } from "./arguments.ts";
import { type Dockerfile, INSTRUCTION_NAMES, type Instruction } from "./instruction.ts";
import { parseBody } from "./bodies.ts";
import { type LogicalLine, logicalLines } from "./lines.ts";
import { dockerfileError, nearest, Problem } from "./problem.ts";

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
/** A shell line that something must follow. */
const UNFINISHED = /(?:&&|\|\|?|;|,)$/;
const DIRECTIVES = new Set(["escape", "syntax", "check"]);

/**
 * The Dockerfile as typed instructions with their places. Pure. `file` is the name that errors show.
 * Throws invalid BAD_DOCKERFILE: Docker's line, then the place with a caret and what was meant.
 */
export function parseDockerfile(text: string, file = "Dockerfile"): Dockerfile {
  const lines = splitLines(text);
  try {
    const directives = leadingDirectives(lines);
    const escape = directives.get("escape") ?? "\\";
    const logical = logicalLines(lines, escape);
    const instructions = logical.lines.map((line, index) => parseLine(line, escape, logical.lines[index - 1]));
    if (instructions.length === 0) throw new Problem("file with no instructions", { line: 1, column: 1 });
    checkOrder(instructions);
    const syntax = directives.get("syntax");
    return { escape, ...(syntax === undefined ? {} : { syntax }), instructions, warnings: logical.warnings };
  } catch (error) {
    throw error instanceof Problem ? dockerfileError(error, file, lines) : error;
  }
}

/** One instruction alone: an ONBUILD trigger, a `--change`. */
export function parseInstruction(text: string, about: string): Instruction {
  const lines = splitLines(text);
  try {
    const [line, second] = logicalLines(lines, "\\").lines;
    if (line === undefined || second !== undefined) {
      throw new Problem("a single instruction is expected", { line: second?.line ?? 1, column: 1 });
    }
    return parseLine(line, "\\");
  } catch (error) {
    throw error instanceof Problem ? dockerfileError(error, about, lines) : error;
  }
}

/** Lines without their ends; what follows the last line's end is none. */
const splitLines = (text: string): string[] =>
  text
    .replace(/^\u{feff}/u, "")
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);

/** `# escape=`, `# syntax=` at the very top; the first other line ends them. */
function leadingDirectives(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const match = DIRECTIVE.exec(line.trimStart());
    const name = match?.[1]?.toLowerCase() ?? "";
    if (match === null || !DIRECTIVES.has(name)) break;
    const at = { line: index + 1, column: 1 };
    if (found.has(name)) throw new Problem(`only one ${name} parser directive can be used`, at, line.length);
    const value = match[2] ?? "";
    if (name === "escape" && value !== "\\" && value !== "`") {
      throw new Problem(`invalid ESCAPE '${value}'. Must be \` or \\`, at, line.length);
    }
    found.set(name, value);
  }
  return found;
}

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
  const origin = { line: line.line, endLine: line.endLine, text: shown(line) };
  return { ...parseBody(name, args), origin };
}

/** What the `Step` line shows. */
const shown = (line: LogicalLine): string => line.text.trim();

function checkOrder(instructions: readonly Instruction[]): void {
  const first = instructions.find((instruction) => instruction.kind !== "arg");
  if (first !== undefined && first.kind !== "from") {
    const width = first.origin.text.split(/\s/, 1)[0]?.length ?? 1;
    throw new Problem("no build stage in current context", { line: first.origin.line, column: 1 }, width);
  }
}
