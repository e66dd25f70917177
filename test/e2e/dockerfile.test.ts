import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { GitServer } from "../support/git-server.ts";

let engine: TestEngine;
let git: GitServer;
before(async () => {
  engine = await TestEngine.start();
  const served = path.join(engine.folder, "repositories");
  fs.mkdirSync(served);
  git = await GitServer.start(served);
});
after(async () => {
  git.stop();
  await engine.end();
});

const folder = (files: Record<string, string | Buffer>): string => engine.project(files);

const gantry = (...args: string[]): Promise<Ran> => run(GANTRY, args, { env: engine.env });

for (const program of ["docker", GANTRY]) {
  /** Builds the lines, and gives what the image's last command says. */
  const outcome = async (lines: string[], files: Record<string, string> = {}, ...flags: string[]): Promise<string> => {
    const context = folder({ ...files, Dockerfile: `${lines.join("\n")}\n` });
    const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
    const built = await call("build", "-t", "made", ...flags, context);
    assert.equal(built.code, 0, built.stdout + built.stderr);
    const ran = await call("run", "--rm", "made");
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.trimEnd();
  };
  const list =
    'CMD ["sh", "-c", "cd /to && find . ! -name . | sort | while read f; do stat -c \\"%a %u %n\\" $f; done"]';

  describe(`a Dockerfile, built through ${path.basename(program)}`, () => {
    it("copies with the folders above, from /./ on", async () => {
      const lines = ["FROM busybox", "COPY --parents a/./b/**/*.txt c.txt /to/", list];
      const said = await outcome(lines, { "a/b/x.txt": "", "a/b/d/y.txt": "", "a/b/z.md": "", "c.txt": "" });
      const folders = ["755 0 ./b", "755 0 ./b/d"];
      const found = ["644 0 ./b/d/y.txt", "644 0 ./b/x.txt", "644 0 ./c.txt"];
      assert.equal(said, [...folders, ...found].join("\n"));
    });

    it("copies with symbolic modes, owners and exceptions", async () => {
      const lines = [
        "FROM busybox",
        "ARG MODE=u=rwX,go=",
        "COPY --chmod=$MODE --chown=7:8 --exclude=*.md --exclude=**/no src /to/",
        list,
      ];
      const said = await outcome(lines, { "src/a": "", "src/b.md": "", "src/in/no": "", "src/in/yes": "" });
      assert.equal(said, "600 7 ./a\n700 7 ./in\n600 7 ./in/yes");
    });

    it("takes here-documents as scripts, input and files", async () => {
      const lines = [
        "FROM busybox",
        "ARG NAME=world",
        "RUN <<EOF",
        "mkdir /to",
        "echo one > /to/one",
        "EOF",
        "RUN cat <<A > /to/two && cat <<-'B' > /to/three",
        "$NAME",
        "A",
        "\t\t$NAME",
        "\tB",
        "COPY <<four <<'five' /to/",
        'hello "$NAME" \\$NAME',
        "four",
        "$NAME",
        "five",
        "RUN <<EOF",
        "#!/bin/cat",
        "EOF",
        'CMD ["sh", "-c", "cat /to/one /to/two /to/three /to/four /to/five"]',
      ];
      assert.equal(await outcome(lines), 'one\nworld\n$NAME\nhello "world" $NAME\n$NAME');
    });

    it("mounts for RUN by options that hold variables, writable where asked for", async () => {
      const lines = [
        "FROM busybox AS tools",
        "RUN mkdir /t && echo tool > /t/tool",
        "FROM busybox",
        "ARG WHERE=/mnt SIZE=64k",
        "WORKDIR /to",
        "RUN --mount=from=tools,source=/t,target=$WHERE,rw --mount=type=tmpfs,dst=/scratch,size=$SIZE \\",
        "    echo more >> /mnt/tool && cp /mnt/tool . && df -k /scratch | tail -1 | awk '{print $2}' >> tool",
        "RUN --mount=target=/ctx,readwrite touch /ctx/left && ls /ctx >> tool",
        "RUN --mount=source=file,target=/ctx/file,rw echo b >> /ctx/file && cat /ctx/file >> tool",
        "COPY . .",
        'CMD ["sh", "-c", "cat tool; ls"]',
      ];
      const said = "tool\nmore\n64\nDockerfile\nfile\nleft\na\nb\nDockerfile\nfile\ntool";
      assert.equal(await outcome(lines, { file: "a\n" }), said);
    });

    it("fills in variables in every form", async () => {
      const lines = [
        "ARG TAG=latest",
        "FROM busybox:${TAG:-none} AS Base",
        "ENV file=/usr/lib/foo.tar.gz none=",
        "ENV a=${file##*/} b=${file%.*} c=${file/lib/LIB} d=${file//\\//-} e=${none:-e} f=${none-f} g=${file:+g} h='$file' i=\\$file",
        "FROM base",
        'CMD ["sh", "-c", "echo $a $b $c $d $e [$f] $g $h $i"]',
      ];
      const said = "foo.tar.gz /usr/lib/foo.tar /usr/LIB/foo.tar.gz -usr-lib-foo.tar.gz e [] g $file $file";
      assert.equal(await outcome(lines), said);
    });

    it("adds a git repository at a tag, from a folder, with git's own folder or without", async () => {
      const commit = git.commit(
        `app-${path.basename(program)}`,
        { "docs/page": "page\n", top: "top\n" },
        { tag: "v1" },
      );
      const url = `${git.url}/app-${path.basename(program)}.git`;
      const lines = [
        "FROM busybox",
        `ADD ${url}#v1:docs /docs/`,
        `ADD --keep-git-dir=true --checksum=${commit.slice(0, 12)} ${url} /whole`,
        `ADD ${url}?tag=v1 /plain`,
        'CMD ["sh", "-c", "cat /docs/page; ls -A /whole /plain"]',
      ];
      assert.equal(await outcome(lines), "page\n/plain:\ndocs\ntop\n\n/whole:\n.git\ndocs\ntop");
      const wrong = folder({ Dockerfile: `FROM scratch\nADD --checksum=abc ${url} /\n` });
      const ran = await run(program, ["build", wrong], { env: engine.env });
      assert.match(ran.stderr, new RegExp(`expected checksum to match abc, got ${commit}`));
    });

    it("follows its own ignore file before the context's", async () => {
      const files = {
        ".dockerignore": "nothing\n",
        "prod.Dockerfile.dockerignore": "secret\n",
        secret: "s",
        open: "o",
      };
      const context = folder({ ...files, "prod.Dockerfile": "FROM busybox\nCOPY . /to\nRUN ls /to\n" });
      const ran = await run(program, ["build", "--no-cache", "-f", path.join(context, "prod.Dockerfile"), context], {
        env: engine.env,
      });
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /^(?:#3 )?open$/m);
      assert.doesNotMatch(ran.stdout, /^(?:#3 )?secret$/m);
    });

    it("tells all of its mistakes at once", async () => {
      const context = folder({ Dockerfile: "FROM busybox\nRUNN x\nCOPY --form=a b c\nRUN --mount=type=cach x\n" });
      const { stderr, code } = await run(program, ["build", context], { env: engine.env });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /line 2: unknown instruction: RUNN\nDockerfile:2:1\n 2 \| RUNN x\n {3}\| \^{4} did you mean RUN\?/,
      );
      assert.match(stderr, /line 3: unknown flag: --form\nDockerfile:3:6\n.*\n.*did you mean --from\?/);
      assert.match(stderr, /line 4: unsupported mount type "cach"\nDockerfile:4:5\n.*\n.*did you mean cache\?/);
    });

    it("in another language is refused, unless the build says otherwise", async () => {
      const context = folder({ Dockerfile: "# syntax=example.com/mopy:1\nFROM scratch\nLABEL a=b\n" });
      const refused = await run(program, ["build", context], { env: engine.env });
      assert.match(refused.stderr, /the language example\.com\/mopy:1 is not known/);
      const flags = ["build", "-q", "--build-arg", "BUILDKIT_SYNTAX=docker/dockerfile:1.7-labs", context];
      assert.equal((await run(program, flags, { env: engine.env })).code, 0);
    });

    it("ends with what the checks found, and without an image where it wants that", async () => {
      const context = folder({ Dockerfile: "FROM busybox\nCMD echo hi\n" });
      const ran = await run(program, ["build", context], { env: engine.env });
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(
        ran.stdout,
        /\n 1 warning found \(.*\):\n - JSONArgsRecommended: JSON arguments recommended for CMD .* \(line 2\)\n(?:\nSuccessfully b|B)uilt /,
      );
      const strict = folder({ Dockerfile: "# check=error=true\nFROM busybox\nCMD echo hi\n" });
      const failed = await run(program, ["build", strict], { env: engine.env });
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /lint violation found for rules: JSONArgsRecommended/);
    });
  });
}

describe("gantry build --check", () => {
  const bad = "FROM busybox AS Build\nENV TOKEN=1 X=$NONE\n";

  it("shows what it found, line by line, builds nothing, and ends with 1", async () => {
    const context = folder({ Dockerfile: bad, big: "x".repeat(100_000) });
    const { code, stdout, stderr } = await gantry("build", "--check", "-t", "never", context);
    assert.equal(code, 1, stderr);
    const expected = [
      "WARNING: StageNameCasing",
      "Stage name 'Build' should be lowercase",
      "Dockerfile:1:17",
      " 1 | FROM busybox AS Build",
      "   |                 ^^^^^",
      "",
      "WARNING: UndefinedVar",
      "Usage of undefined variable '$NONE'",
      "Dockerfile:2:16",
      " 2 | ENV TOKEN=1 X=$NONE",
      "   |                ^^^^",
      "",
      "WARNING: SecretsUsedInArgOrEnv",
      'Do not use ARG or ENV instructions for sensitive data (ENV "TOKEN")',
      "Dockerfile:2:5",
      " 2 | ENV TOKEN=1 X=$NONE",
      "   |     ^^^^^",
      "",
      "Check complete, 3 warnings have been found!",
      "",
    ];
    assert.deepEqual(stdout.split("\n"), expected);
    assert.equal((await gantry("image", "inspect", "never")).code, 1);
  });

  it("gives the same as JSON, in Docker's shape", async () => {
    const { code, stdout } = await gantry("build", "--check", "--format", "json", folder({ Dockerfile: bad }));
    assert.equal(code, 1);
    const report = JSON.parse(stdout) as { warnings: Record<string, unknown>[]; sources: { data: string }[] };
    assert.deepEqual(report.warnings[0], {
      ruleName: "StageNameCasing",
      description: "Stage names should be lowercase",
      detail: "Stage name 'Build' should be lowercase",
      location: { ranges: [{ start: { line: 1, character: 16 }, end: { line: 1, character: 21 } }] },
    });
    assert.equal(Buffer.from(report.sources[0]?.data ?? "", "base64").toString(), bad);
  });

  it("ends with 0 when there is nothing to say, for a Dockerfile on stdin too", async () => {
    const context = folder({ Dockerfile: "FROM busybox\nCOPY missing /\n" });
    const { code, stdout } = await gantry("build", "--check", context);
    assert.deepEqual([code, stdout], [0, "Check complete, no warnings found.\n"]);
    const stdin = await run(GANTRY, ["build", "--check", "-"], { env: engine.env, input: "from busybox\n" });
    assert.deepEqual([stdin.code, stdin.stdout], [0, "Check complete, no warnings found.\n"]);
  });

  it("reads the ignore file for rules that need it", async () => {
    const Dockerfile = "# check=experimental=CopyIgnoredFile\nFROM scratch\nCOPY tmp/x /\n";
    const { stdout } = await gantry("build", "--check", folder({ Dockerfile, ".dockerignore": "tmp\n", "tmp/x": "" }));
    assert.match(stdout, /Attempting to Copy file "tmp\/x" that is excluded by \.dockerignore/);
  });

  it("tells mistakes as a build does", async () => {
    const { code, stderr } = await gantry("build", "--check", folder({ Dockerfile: "FROM busybox\nCOPPY a b\n" }));
    assert.equal(code, 1);
    assert.match(stderr, /unknown instruction: COPPY/);
  });
});
