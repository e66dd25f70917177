import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isGantryError } from "../../../src/base/errors.ts";
import { expandInstruction } from "../../../src/build/expand-instruction.ts";
import { ExpansionError, expandWord } from "../../../src/build/expand.ts";
import { parseGitSource } from "../../../src/build/git-source.ts";
import { pathMatcher } from "../../../src/build/glob.ts";
import { lint } from "../../../src/build/lint/lint.ts";
import { linesOf, parseDockerfile } from "../../../src/build/parse/dockerfile.ts";
import type { Dockerfile } from "../../../src/build/parse/instruction.ts";
import { INSTRUCTION_NAMES } from "../../../src/build/parse/instruction.ts";
import { dockerfileError, Problem } from "../../../src/build/parse/problem.ts";
import { planBuild } from "../../../src/build/stages.ts";

const platform = { os: "linux", architecture: "amd64" };
const facts = { buildArgs: {}, buildPlatform: platform, targetPlatform: platform };

/** Pieces that mean something somewhere, and any text between them. */
const piece = fc.oneof(
  fc.constantFrom(
    ...["$", "${", "}", ":-", "##", "%", "/", "//", "\\", "`", '"', "'", "[", "]", "{", "#", "=", ",", "*", "?", "!"],
    ...["<<EOF", "<<-'EOF'", "<< EOF", "EOF", "\n", "\r\n", "\\\n", "\t", " ", "--", "--mount=", "--from=", "--chmod="],
    ...[
      "type=cache",
      "target=/x",
      "source=$A",
      "mode=07",
      "AS",
      "as",
      "scratch",
      "base",
      "0",
      "NONE",
      "CMD",
      "NAME=x",
      "$NAME",
    ],
    ...[
      "# syntax=",
      "# escape=`",
      "# check=skip=",
      "error=true",
      "\u{feff}",
      "http://h/x",
      "git@h:x.git#a:b",
      "tcp",
      "80-90",
    ],
  ),
  fc.string({ maxLength: 6 }),
);
const line = fc
  .tuple(
    fc.option(fc.constantFrom(...INSTRUCTION_NAMES, "onbuild run"), { nil: "" }),
    fc.array(piece, { maxLength: 8 }),
  )
  .map(([name, pieces]) => `${name} ${pieces.join("")}`);
const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
const proper = text.map((lines) => `FROM scratch AS base\n${lines}`);

/** Undefined where it was refused as it should be; anything but a Problem or an error with a code is a bug. */
function accepted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Problem || error instanceof ExpansionError || isGantryError(error)) return undefined;
    throw error;
  }
}

const parsed = (dockerfile: string): Dockerfile | undefined => accepted(() => parseDockerfile(dockerfile));

describe("whatever a Dockerfile holds", () => {
  it("it is read, planned, checked and expanded, or refused with a place in the file", () => {
    fc.assert(
      fc.property(fc.oneof(text, proper), (dockerfile) => {
        const read = parsed(dockerfile);
        if (read === undefined) return;
        accepted(() => planBuild(read, { ...facts, labels: {}, contexts: {} }));
        accepted(() => lint(read, linesOf(dockerfile), { ...facts, image: () => ({ env: ["A=1"], platform }) }));
        for (const one of read.instructions) accepted(() => expandInstruction(one, () => "x y", read.escape));
      }),
      { numRuns: 3000 },
    );
  });

  it("instructions keep their lines: in order, within the file, none twice", () => {
    fc.assert(
      fc.property(proper, (dockerfile) => {
        let last = 0;
        for (const { origin } of parsed(dockerfile)?.instructions ?? []) {
          assert.ok(origin.line > last && origin.endLine >= origin.line, JSON.stringify(origin));
          last = origin.endLine;
        }
        assert.ok(last <= linesOf(dockerfile).length);
      }),
    );
  });

  it("line ends, comments and blank lines between instructions change nothing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("COPY a b", "RUN x \\\n  y", "ENV A=$B", "EXPOSE 1 2"), { maxLength: 5 }),
        (some) => {
          const bodies = (dockerfile: string): unknown[] =>
            parseDockerfile(dockerfile).instructions.map((instruction) => ({ ...instruction, origin: undefined }));
          const plain = ["FROM scratch", ...some].join("\n");
          const other = ["\u{feff}# remark", "", "  FROM scratch", ...some]
            .join("\n \n# more\n")
            .replaceAll("\n", "\r\n");
          assert.deepEqual(bodies(other), bodies(plain));
        },
      ),
    );
  });

  it("an error's caret is below the line", () => {
    fc.assert(
      fc.property(text, (dockerfile) => {
        try {
          parseDockerfile(dockerfile);
        } catch (error) {
          if (!isGantryError(error)) throw error;
          assert.match(error.message, /^(?:dockerfile parse error )?line \d+: /m);
          assert.doesNotMatch(error.message, /[\u0000-\u0009\u000b-\u001f]/);
        }
      }),
    );
  });
});

describe("whatever a word holds", () => {
  it("a literal in single quotes stays as it is", () => {
    fc.assert(
      fc.property(fc.string(), (word) => {
        if (!word.includes("'"))
          assert.equal(
            expandWord(`'${word}'`, () => "no"),
            word,
          );
      }),
    );
  });

  it("patterns, git references and places of problems end in time", () => {
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join("")),
        fc.string(),
        (word, name) => {
          accepted(() => pathMatcher(word)(name));
          accepted(() => parseGitSource(word));
          accepted(() => expandWord(word, () => name));
          dockerfileError(new Problem(word, { line: 1, column: 3 }, word.length), "Dockerfile", [name]);
        },
      ),
    );
    assert.equal(pathMatcher("*a".repeat(50))("a".repeat(255).replace(/a$/, "b")), false);
  });
});
