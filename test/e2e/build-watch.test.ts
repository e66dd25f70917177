import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

describe("gantry build --watch", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start();
  });
  after(() => engine.end());

  const folder = (name: string, files: Record<string, string>): string => {
    const made = path.join(engine.folder, name);
    fs.mkdirSync(made);
    for (const [file, content] of Object.entries(files)) fs.writeFileSync(path.join(made, file), content);
    return made;
  };
  const image = (name: string): Promise<string> => engine.ok("inspect", "-f", "{{.Id}}", name);
  const says = (...args: string[]): Promise<string> => engine.ok("run", "--rm", "--network", "none", ...args);

  it("builds again when a file, the Dockerfile or a named context changes, and says why; Ctrl-C ends it", async () => {
    const Dockerfile = "FROM busybox\nCOPY page /page\nCOPY --from=shared words /words\n";
    const context = folder("app", { Dockerfile, page: "one", ".dockerignore": "*.tmp\n" });
    const shared = folder("shared", { words: "hello" });
    const flags = ["-t", "watched", "--build-context", `shared=${shared}`];
    const terminal = await Terminal.start(engine.env, GANTRY, "build", "--watch", ...flags, context);
    const rounds = async (n: number): Promise<void> =>
      until(async () => (await terminal.text()).split("for changes; Ctrl-C").length === n + 1, {
        what: `${n} builds`,
        every: 50,
      });
    try {
      await rounds(1);
      fs.writeFileSync(path.join(context, "page.tmp"), "two");
      fs.renameSync(path.join(context, "page.tmp"), path.join(context, "page"));
      await rounds(2);
      assert.match(await terminal.text(), /^Changed: page$[^]*not cached: file page changed$/m);
      assert.equal(await says("watched", "cat", "/page"), "two");
      fs.writeFileSync(path.join(shared, "words"), "bye");
      await rounds(3);
      assert.equal(await says("watched", "cat", "/words"), "bye");
      fs.writeFileSync(path.join(context, "Dockerfile"), `${Dockerfile}RUN exit 4\n`);
      await rounds(4);
      assert.match(await terminal.text(), /returned a non-zero code: 4$/m);
      const before = await image("watched");
      fs.writeFileSync(path.join(context, "Dockerfile"), `${Dockerfile}ENV A=1\n`);
      await rounds(5);
      assert.notEqual(await image("watched"), before);
      await terminal.press("C-c");
      assert.equal(await terminal.exit(), 130);
    } finally {
      await terminal.close();
    }
  });

  it("cancels the build that a newer change makes idle", async () => {
    const context = folder("slow", {
      Dockerfile: "FROM busybox\nCOPY n /n\nRUN [ $(cat /n) = 2 ] || sleep 600\n",
      n: "1",
    });
    const terminal = await Terminal.start(engine.env, GANTRY, "build", "--watch", "-t", "slow", context);
    try {
      await terminal.waitFor(/^\[stage-0 3\/3\] RUN /m);
      fs.writeFileSync(path.join(context, "n"), "2");
      await terminal.waitFor(/^Tagged slow:latest$/m);
      const text = await terminal.text();
      assert.match(text, /^\[stage-0 3\/3\] RUN .* canceled$[^]*^Changed: n$/m);
      assert.doesNotMatch(text, /cancelled/);
    } finally {
      await terminal.close();
    }
  });

  it("is refused where there is nothing to watch, or the build would write over it", async () => {
    const context = folder("refused", { Dockerfile: "FROM busybox\n" });
    for (const [args, words] of [
      [["-"], /needs a folder/],
      [["-o", context, context], /its own context/],
      [["--shell-on-fail", context], /exclude each other/],
    ] as const) {
      const ran = await run(
        "sh",
        ["-c", 'printf "FROM busybox\\n" | "$@"', "sh", GANTRY, "build", "--watch", ...args],
        {
          env: engine.env,
        },
      );
      assert.equal(ran.code, 125, ran.stderr);
      assert.match(ran.stderr, words);
    }
  });
});
