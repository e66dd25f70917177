import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LintFacts, lint } from "../../../../src/build/lint/lint.ts";
import { RULES } from "../../../../src/build/lint/rules.ts";
import { linesOf, parseDockerfile } from "../../../../src/build/parse/dockerfile.ts";
import { Problem } from "../../../../src/build/parse/problem.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

function check(text: string, facts: Partial<LintFacts> = {}): ReturnType<typeof lint> {
  const image = (reference: string): ReturnType<LintFacts["image"]> =>
    reference === "known" ? { env: ["HERE=1"], platform: amd64 } : undefined;
  const all = { buildArgs: {}, buildPlatform: amd64, targetPlatform: amd64, image, ...facts };
  return lint(parseDockerfile(text), linesOf(text), all);
}

/** "LINE Rule: detail" for each. */
const found = (text: string, facts?: Partial<LintFacts>): string[] =>
  check(text, facts).warnings.map(({ ruleName, detail, location }) => {
    return `${location.ranges[0]?.start.line} ${ruleName}: ${detail}`;
  });

/** By what a reader has to do: lines of a Dockerfile, and what is found in them. */
const cases: [name: string, dockerfile: string[], expected: string[], facts?: Partial<LintFacts>][] = [
  ["a clean file", ["FROM scratch AS one", "COPY a /a", 'CMD ["/a"]'], []],
  [
    "names of stages",
    ["FROM scratch AS Base", "FROM scratch as two", "FROM scratch AS two", "FROM scratch AS context"],
    [
      "1 StageNameCasing: Stage name 'Base' should be lowercase",
      "2 FromAsCasing: 'as' and 'FROM' keywords' casing do not match",
      '3 DuplicateStageName: Duplicate stage name "two", stage names should be unique',
      '4 ReservedStageName: Stage name should not use the same name as reserved stage "context"',
    ],
  ],
  [
    "keywords of the minority",
    ["FROM scratch", "copy a /a", "Copy b /b", "COPY c /c"],
    [
      "2 ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase)",
      "3 ConsistentInstructionCasing: Command 'Copy' should match the case of the command majority (uppercase)",
    ],
  ],
  ["lower case all over", ["from scratch as x", "copy a /a"], []],
  [
    "blank lines in an instruction",
    ["FROM scratch", "COPY a \\", "", "  /a"],
    ["2 NoEmptyContinuation: Empty continuation line"],
  ],
  [
    "commands for a shell",
    ["FROM scratch", "ENTRYPOINT a b", "CMD c", "FROM scratch", 'SHELL ["/sh"]', "CMD c", "FROM scratch", "CMD []"],
    [
      "2 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals",
      "3 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
    ],
  ],
  [
    "what counts once",
    ["FROM scratch", 'CMD ["a"]', "HEALTHCHECK NONE", 'CMD ["b"]', "FROM scratch", 'CMD ["c"]'],
    [
      "2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
    ],
  ],
  [
    "old forms",
    ["FROM scratch", "MAINTAINER me", "ENV a b", "LABEL c d e"],
    [
      "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
      '3 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
      '4 LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ],
  ],
  [
    "secrets, but no public keys",
    ["ARG NPM_TOKEN", "FROM scratch", "ENV PASSWORD=x MONKEY=y PUBLIC_KEY=z"],
    [
      '1 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "NPM_TOKEN")',
      '3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "PASSWORD")',
    ],
  ],
  [
    "ports",
    ["FROM scratch", "EXPOSE 80/TCP 127.0.0.1:81:81 82:82 83/udp"],
    [
      "2 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
      "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:81:81'",
      "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '82:82'",
    ],
  ],
  [
    "folders that depend on the base image",
    ["FROM scratch AS a", "WORKDIR x", "WORKDIR y", "FROM a", "WORKDIR z", "FROM scratch", "WORKDIR /x", "WORKDIR y"],
    ['2 WorkdirRelativePath: Relative workdir "x" can have unexpected results if the base image changes'],
  ],
  [
    "variables that nobody set",
    [
      "FROM known AS a",
      "ARG V",
      "ENV X=$V Y=$HERE Z=$HER",
      "FROM a",
      "COPY $X $Z ${NONE:-n} $PATH $Q /",
      "FROM other",
      "USER $U",
    ],
    [
      "3 UndefinedVar: Usage of undefined variable '$HER' (did you mean $HERE?)",
      "5 UndefinedVar: Usage of undefined variable '$Q'",
    ],
  ],
  [
    "ARGs before FROM",
    ["ARG VERSION=1", "ARG NONE", "FROM busybox:$VERSON", "FROM busybox:${NONE}", "FROM $TARGETARCH/x:${TAG:-y}"],
    [
      "3 UndefinedArgInFrom: FROM argument 'VERSON' is not declared (did you mean VERSION?)",
      "3 InvalidDefaultArgInFrom: Default value for ARG busybox:$VERSON results in empty or invalid base image name",
      "4 InvalidDefaultArgInFrom: Default value for ARG busybox:${NONE} results in empty or invalid base image name",
    ],
  ],
  [
    "an ARG that the build gives still needs a default",
    ["ARG BASE", "FROM $BASE"],
    ["2 InvalidDefaultArgInFrom: Default value for ARG $BASE results in empty or invalid base image name"],
    { buildArgs: { BASE: "known" } },
  ],
  [
    "platforms",
    [
      "FROM --platform=$TARGETPLATFORM known",
      "FROM --platform=linux/arm64 other",
      "FROM --platform=linux/arm64 other AS for-arm64",
      "FROM --platform=$BUILDPLATFORM other",
    ],
    [
      "1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
      '2 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/arm64"',
    ],
  ],
  [
    "a base image for another machine",
    ["FROM known"],
    [
      '1 InvalidBaseImagePlatform: Base image known was pulled with platform "linux/amd64", expected "linux/arm64" for current build',
    ],
    { targetPlatform: arm64 },
  ],
  [
    "what .dockerignore leaves out, when asked for",
    [
      "# check=experimental=CopyIgnoredFile",
      "FROM scratch AS a",
      "COPY ./x/y ok /",
      "ADD http://h/x /",
      "COPY --from=a x /",
    ],
    ['3 CopyIgnoredFile: Attempting to Copy file "x/y" that is excluded by .dockerignore'],
    { ignored: (path) => path.startsWith("x") },
  ],
  ["that rule is off otherwise", ["FROM scratch", "COPY x /"], [], { ignored: () => true }],
  [
    "comments on stages and ARGs, when asked for",
    [
      "# check=experimental=all",
      "# base is where it begins",
      "FROM scratch AS base",
      "# some remark",
      "ARG x=1",
      "# y and more",
      "ARG y z",
      "",
      "# free",
      "",
      "ARG w",
      "# any",
      "ARG u v",
    ],
    [
      "5 InvalidDefinitionDescription: Comment for ARG should follow the format: `# x <description>`",
      "13 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`",
    ],
  ],
  ["nothing when all is skipped", ["# check=skip=all", "FROM scratch", "CMD a"], []],
  [
    "what isn't skipped",
    ["# check=skip=JSONArgsRecommended, StageNameCasing", "FROM scratch AS X", "CMD a", "MAINTAINER b"],
    ["4 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"],
  ],
];

describe("build checks find", () => {
  for (const [name, dockerfile, expected, facts] of cases) {
    it(name, () => assert.deepEqual(found(dockerfile.join("\n"), facts), expected));
  }

  it("each of the rules somewhere above", () => {
    const hit = new Set(cases.flatMap(([, , expected]) => expected.map((line) => line.split(/[ :]/)[1])));
    assert.deepEqual(
      Object.keys(RULES).filter((name) => !hit.has(name)),
      [],
    );
  });

  it("the piece that is meant, also on a later line", () => {
    const { warnings } = check("FROM scratch\nENV A=1 \\\n  API_KEY=2\n");
    assert.deepEqual(warnings[0]?.location.ranges, [
      { start: { line: 3, character: 2 }, end: { line: 3, character: 9 } },
    ]);
  });
});

describe("options of build checks", () => {
  it("make warnings end the build, only if there are any", () => {
    assert.equal(check("# check=error=true\nFROM scratch\nCMD a\n").fatal, true);
    assert.equal(check("# check=skip=JSONArgsRecommended;error=true\nFROM scratch\nCMD a\n").fatal, false);
    assert.equal(check("FROM scratch\nCMD a\n").fatal, false);
  });

  it("come from BUILDKIT_DOCKERFILE_CHECK before the file's own", () => {
    const text = "# check=skip=all\nFROM scratch\nCMD a\n";
    const result = check(text, { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: "error=1" } });
    assert.deepEqual([result.fatal, result.warnings.length], [true, 1]);
  });

  for (const text of ["nonsense", "error=maybe", "skip=all;what=ever"]) {
    it(`${text} is refused`, () =>
      assert.throws(
        () => check(`# check=${text}\nFROM scratch\n`),
        (error) => error instanceof Problem && error.message.startsWith("invalid check option"),
      ));
  }
});
