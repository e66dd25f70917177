import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

const HELLO = path.resolve(import.meta.dirname, "../../examples/hello");

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const folder = (files: Record<string, string | Buffer>): string => engine.project(files);

/** The CLI's own words on the classic builder, and hints, aside. */
const complaint = (ran: Ran): string =>
  ran.stderr
    .replace(/^DEPRECATED: [^]*?\n\n/, "")
    .replace(/^hint: .*\n/m, "")
    .trimEnd();
const count = (text: string, word: string): number => text.split(word).length - 1;
/** Steps from the cache, in docker's words and in gantry's. */
const hits = (text: string): number => text.match(/ ---> Using cache$|^#\d+ CACHED\b/gm)?.length ?? 0;

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const feed = (input: string | Buffer, ...args: string[]): Promise<Ran> =>
    run(program, args, { env: engine.env, input });
  const out = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `${cli} ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  };
  /** Builds a Dockerfile with files beside it. */
  const build = (dockerfile: string, files: Record<string, string | Buffer> = {}, ...flags: string[]): Promise<Ran> =>
    call("build", ...flags, folder({ Dockerfile: dockerfile, ...files }));
  const built = async (
    dockerfile: string,
    files: Record<string, string | Buffer> = {},
    ...flags: string[]
  ): Promise<string> => {
    const ran = await build(dockerfile, files, "-t", "built", ...flags);
    assert.equal(ran.code, 0, ran.stderr + ran.stdout);
    return ran.stdout;
  };
  /** What a command says in the image that was built last. */
  const says = (...args: string[]): Promise<string> => out("run", "--rm", "built", ...args);
  const nothingRuns = async (): Promise<void> => assert.equal(await out("ps", "-aq"), "");

  describe(`through ${cli}`, () => {
    before(async () => {
      await engine.ok("builder", "prune", "-af");
    });

    it("builds examples/hello, which then serves its page", async () => {
      const text = await out("build", "-t", "hello", "--build-arg", "GREETING=Up she goes", HELLO);
      assert.match(text, /(?:Step 1\/16 :|^#1 \[page 1\/16\]) FROM busybox AS page\n/m);
      assert.match(
        text,
        /Successfully built [0-9a-f]{12}\nSuccessfully tagged hello:latest$|^Built sha256:[0-9a-f]{64} in .*\nTagged hello:latest$/m,
      );
      const page = await out("run", "--rm", "--network", "none", "hello", "cat", "/www/index.html");
      assert.match(page, /<h1>Up she goes<\/h1>/);
      await out("rmi", "hello");
    });

    describe("with ten steps", () => {
      const TEN = [
        ...["FROM busybox", "ENV A=1", "WORKDIR /work", "COPY one .", "COPY two /two/", "RUN cat one > three"],
        ...['RUN echo "$A" >> three', "LABEL l=m", "EXPOSE 80", 'CMD ["cat", "/work/three"]'],
      ].join("\n");
      let context: string;
      const again = async (...flags: string[]): Promise<{ text: string; id: string }> => {
        const text = await out("build", "-t", "ten", ...flags, context);
        return { text, id: await out("inspect", "-f", "{{.Id}}", "ten") };
      };
      let first: { text: string; id: string };

      before(async () => {
        context = folder({ Dockerfile: TEN, one: "one\n", "two/file": "two\n" });
        first = await again();
      });

      it("runs all of them the first time, and shows each", async () => {
        assert.equal(hits(first.text), 0);
        assert.deepEqual(
          [...first.text.matchAll(/^(?:Step|#\d+ \[stage-0) (\d+)\/10(?: :|\]) (\S+)/gm)].map(
            ([, number, word]) => `${number} ${word}`,
          ),
          TEN.split("\n").map((line, n) => `${n + 1} ${line.split(" ")[0]}`),
        );
        if (cli === "docker") assert.equal(count(first.text, "Running in"), 7);
        assert.equal(await out("run", "--rm", "ten"), "one\n1");
      });

      it("uses the cache for all nine after FROM the second time, and ends in the same image", async () => {
        const second = await again();
        assert.equal(hits(second.text), 9);
        assert.equal(second.id, first.id);
      });

      it("still hits after a file is touched, and after a crash of the engine", async () => {
        fs.utimesSync(path.join(context, "one"), 1, 1);
        await engine.crash();
        await engine.up();
        const second = await again();
        assert.equal(hits(second.text), 9);
        assert.equal(second.id, first.id);
      });

      it("misses from the step on whose file's content or mode changed", async () => {
        fs.writeFileSync(path.join(context, "two/file"), "new\n");
        const content = await again();
        assert.equal(hits(content.text), 3);
        assert.notEqual(content.id, first.id);
        fs.chmodSync(path.join(context, "one"), 0o755);
        const mode = await again();
        assert.equal(hits(mode.text), 2);
        assert.equal(await out("run", "--rm", "ten", "stat", "-c", "%a", "one"), "755");
      });

      it("runs all again with --no-cache", async () => {
        const fresh = await again("--no-cache");
        assert.equal(hits(fresh.text), 0);
      });
    });

    it("stops at --target, by name and by number, and leaves later stages out", async () => {
      const dockerfile =
        "FROM busybox AS one\nRUN echo 1 > /n\nFROM busybox AS two\nRUN echo 2 > /n\nFROM one\nRUN false\n";
      await built(dockerfile, {}, "--target", "two");
      assert.equal(await says("cat", "/n"), "2");
      await built(dockerfile, {}, "--target", "0");
      assert.equal(await says("cat", "/n"), "1");
      const missing = await build(dockerfile, {}, "--target", "three");
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /target stage "three" could not be found/);
    });

    it("gives --build-arg to ARG and RUN, not to the image's environment, and warns of one that nobody asks for", async () => {
      const dockerfile =
        "ARG TAG=latest\nFROM busybox:$TAG\nARG WHO=nobody\nENV GREET=hello-$WHO\nRUN echo $WHO > /who\n";
      await built(dockerfile);
      assert.equal(await says("cat", "/who"), "nobody");
      const text = await built(dockerfile, {}, "--build-arg", "WHO=world", "--build-arg", "EXTRA=1");
      assert.match(text, /One or more build-args \[EXTRA\] were not consumed/);
      assert.equal(await says("sh", "-c", "cat /who; echo $GREET ${WHO-unset}"), "world\nhello-world unset");
    });

    it("takes another Dockerfile by -f, in the context or outside it", async () => {
      const context = folder({ "sub/Other": "FROM busybox\nCOPY data /data\n", data: "inside" });
      await out("build", "-t", "built", "-f", path.join(context, "sub/Other"), context);
      assert.equal(await says("cat", "/data"), "inside");
      const outside = folder({ Elsewhere: "FROM busybox\nCOPY . /all\n" });
      await out("build", "-t", "built", "-f", path.join(outside, "Elsewhere"), context);
      assert.deepEqual((await says("find", "/all", "-type", "f")).split("\n").toSorted(), [
        "/all/data",
        "/all/sub/Other",
      ]);
      const missing = await call("build", "-f", path.join(context, "Nosuch"), context);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /Nosuch: no such file or directory/);
    });

    it("takes a Dockerfile or a tar, also a compressed one, from stdin", async () => {
      const alone = await feed("FROM busybox\nRUN echo alone > /how\n", "build", "-t", "built", "-");
      assert.equal(alone.code, 0, alone.stderr);
      assert.equal(await says("cat", "/how"), "alone");
      const context = folder({ Dockerfile: "FROM busybox\nCOPY how /\n", how: "by tar" });
      for (const flags of ["-c", "-cz"]) {
        const tar = execFileSync("tar", ["-C", context, flags, "."]);
        const ran = await feed(tar, "build", "-t", "built", "-");
        assert.equal(ran.code, 0, ran.stderr);
        assert.equal(await says("cat", "/how"), "by tar");
      }
      const piped = await feed("FROM busybox\nCOPY how /piped\n", "build", "-t", "built", "-f", "-", context);
      assert.equal(piped.code, 0, piped.stderr);
      assert.equal(await says("cat", "/piped"), "by tar");
    });

    it("says what is wrong with a broken tar, and keeps nothing of it", async () => {
      const context = folder({ Dockerfile: "FROM busybox\nCOPY big /\n", big: Buffer.alloc(200_000, "x") });
      const tar = execFileSync("tar", ["-C", context, "-c", "."]);
      const cut = await feed(tar.subarray(0, 100_000), "build", "-");
      assert.equal(cut.code, 1);
      assert.match(cut.stderr, /bad archive: unexpected end of the archive/);
      const corrupt = Buffer.from(tar);
      corrupt.fill(0xff, 512, 900);
      const bad = await feed(corrupt, "build", "-");
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /bad archive: /);
      assert.equal(count(complaint(bad), "\n"), 0, bad.stderr);
    });

    it("leaves out what .dockerignore names, and takes back what ! names", async () => {
      const context = folder({
        Dockerfile: "FROM busybox\nCOPY . /all\n",
        ".dockerignore": "*.log\nnode_modules\n!keep.log\n**/deep.txt\n.dockerignore\nDockerfile\n",
        ...{ "a.log": "", "keep.log": "", "sub/b.log": "", "node_modules/x/y": "", "sub/more/deep.txt": "", src: "" },
      });
      await out("build", "-t", "built", context);
      assert.deepEqual((await says("find", "/all", "-type", "f")).split("\n").toSorted(), [
        ...["/all/keep.log", "/all/src", "/all/sub/b.log"],
      ]);
    });

    it("copies between stages and from other images, with owner and mode", async () => {
      await built(
        [
          ...["FROM busybox AS maker", "RUN mkdir -p /made/sub && echo deep > /made/sub/f && ln -s f /made/sub/l"],
          ...["FROM busybox", "RUN echo 'web:x:33:44::/:/bin/sh' >> /etc/passwd", "COPY --from=maker /made /got"],
          ...["COPY --from=0 --chown=web --chmod=640 /made/sub/f /owned", "COPY --chown=5:6 file /numbers"],
          ...["COPY --from=busybox /bin/busybox /copy", "COPY --from=maker /made/sub/* /globbed/"],
        ].join("\n"),
        { file: "" },
      );
      const script = "cat /got/sub/l; stat -c '%u:%g %a' /owned; stat -c '%u:%g' /numbers; test -x /copy && echo x";
      assert.deepEqual((await says("sh", "-c", `${script}; ls /globbed`)).split("\n"), [
        ...["deep", "33:44 640", "5:6", "x", "f", "l"],
      ]);
    });

    it("unpacks what ADD adds when it is a tar, compressed or not", async () => {
      const inner = folder({ "top/one": "1", "top/two": "2" });
      fs.chownSync(path.join(inner, "top/two"), 7, 8);
      const packed = execFileSync("tar", ["-C", inner, "-cz", "top"]);
      await built("FROM busybox\nADD t.tar.gz /here/\nADD plain /here/\nCOPY t.tar.gz /here/\n", {
        "t.tar.gz": packed,
        plain: "p",
      });
      assert.deepEqual(
        (await says("sh", "-c", "cd /here; ls; cat top/one plain; echo; stat -c %u:%g top/two")).split("\n"),
        [...["plain", "t.tar.gz", "top", "1p", "7:8"]],
      );
    });

    it("keeps ONBUILD for the next build, which carries it out", async () => {
      await built(
        "FROM busybox\nONBUILD COPY app /app\nONBUILD RUN echo $(cat /app) ran > /done\n",
        {},
        "-t",
        "parent",
      );
      assert.equal(
        await out("inspect", "-f", "{{json .Config.OnBuild}}", "parent"),
        '["COPY app /app","RUN echo $(cat /app) ran > /done"]',
      );
      const text = await built("FROM parent\nRUN true\n", { app: "it" });
      assert.match(text, /# Executing 2 build triggers|^#1\.2 DONE/m);
      assert.equal(await says("cat", "/done"), "it ran");
      assert.equal(await out("inspect", "-f", "{{json .Config.OnBuild}}", "built"), "null");
      await out("rmi", "built", "parent");
    });

    it("stores what the instructions about the image say, as inspect shows", async () => {
      await built(
        [
          ...["FROM busybox", "LABEL a=1 b='two words'", "ENV PATHLIKE=/x:$PATH SPACE='a b'", "EXPOSE 80 53/udp"],
          ...["VOLUME /data /more", "USER 7:8", "WORKDIR /w", "WORKDIR x/y", "STOPSIGNAL SIGUSR1"],
          ...["HEALTHCHECK --interval=5s --timeout=2s --start-period=1s --retries=4 CMD test -e /w"],
          ...['SHELL ["/bin/sh", "-ec"]', 'ENTRYPOINT ["echo"]', "CMD exec $0"],
        ].join("\n"),
      );
      const config = JSON.parse(await out("inspect", "-f", "{{json .Config}}", "built"));
      assert.deepEqual(config.Labels, { a: "1", b: "two words" });
      assert.deepEqual(config.ExposedPorts, { "80/tcp": {}, "53/udp": {} });
      assert.deepEqual(config.Volumes, { "/data": {}, "/more": {} });
      assert.equal(config.User, "7:8");
      assert.equal(config.WorkingDir, "/w/x/y");
      assert.equal(config.StopSignal, "SIGUSR1");
      assert.deepEqual(config.Healthcheck, {
        Test: ["CMD-SHELL", "test -e /w"],
        ...{ Interval: 5e9, Timeout: 2e9, StartPeriod: 1e9, Retries: 4 },
      });
      assert.deepEqual(config.Shell, ["/bin/sh", "-ec"]);
      assert.deepEqual(config.Entrypoint, ["echo"]);
      assert.deepEqual(config.Cmd, ["/bin/sh", "-ec", "exec $0"]);
      assert.ok(config.Env.some((one: string) => /^PATHLIKE=\/x:.*\/bin/.test(one)));
      assert.ok(config.Env.includes("SPACE=a b"));
      assert.match(await out("history", "--no-trunc", "--format", "{{.CreatedBy}}", "built"), /STOPSIGNAL SIGUSR1/);
    });

    it("shows a failing RUN's output and ends with its exit code; nothing is left but the steps before it", async () => {
      const ran = await build("FROM busybox\nRUN echo before\nRUN echo said; echo wrong >&2; exit 42\n", {});
      assert.equal(ran.code, 42);
      assert.match(ran.stdout, /said\n/);
      assert.match(ran.stdout + ran.stderr, /wrong\n/);
      assert.equal(ran.stderr.split("\n").filter((line) => line.includes("non-zero")).length, 1);
      assert.match(
        ran.stderr,
        /The command '\/bin\/sh -c echo said; echo wrong >&2; exit 42' returned a non-zero code: 42/,
      );
      await nothingRuns();
    });

    it("says why a RUN can't start, once, without the runtime's own line", async () => {
      for (const [line, words] of [
        ['RUN ["/bin/nosuch"]', /exec: "\/bin\/nosuch": stat \/bin\/nosuch: no such file or directory/],
        ['RUN ["nosuch"]', /exec: "nosuch": executable file not found in \$PATH/],
        ['RUN ["/etc"]', /exec: "\/etc": (is a directory|permission denied)/],
        ['SHELL ["/bin/none"]\nRUN true', /exec: "\/bin\/none"/],
      ] as const) {
        const ran = await build(`FROM busybox\n${line}\n`);
        assert.equal(ran.code, 1, `${line}: ${ran.stderr}`);
        assert.match(ran.stderr, words);
        const everything = ran.stdout + ran.stderr;
        assert.equal(count(everything, "nosuch") <= 5, true, everything);
        assert.doesNotMatch(ran.stdout, /error|91m/i);
        assert.equal(count(complaint(ran), "\n"), 0, ran.stderr);
      }
      const script = await build('FROM busybox\nCOPY --chmod=755 s /s\nRUN ["/s"]\n', { s: "#!/none/such\n" });
      assert.equal(script.code, 1, script.stderr);
      assert.match(script.stderr, /exec \/s: no such file or directory/);
      assert.match(script.stderr, /\/s needs \/none\/such, which the image does not have/);
      assert.doesNotMatch(script.stdout, /91m/);
      await nothingRuns();
    });

    it("shows the line of a typo, a caret and what was meant", async () => {
      const ran = await build("FROM busybox\n\n# a comment\nRUM echo hi\n");
      assert.equal(ran.code, 1);
      assert.match(ran.stderr, /dockerfile parse error line 4: unknown instruction: RUM\n/);
      assert.match(ran.stderr, /4 \| RUM echo hi\n.*\^\^\^ did you mean RUN\?/);
      assert.equal(count(ran.stderr, "RUM"), 2);
      assert.equal(count(ran.stderr, "did you mean"), 1);
      const flag = await build("FROM busybox\nCOPY --chwon=1:1 a /\n");
      assert.match(flag.stderr, /line 2: unknown flag: (--)?chwon/);
      assert.match(flag.stderr, /did you mean --chown\?/);
      const early = await build("RUN true\n");
      assert.match(early.stderr, /no build stage in current context/);
      assert.equal(early.code, 1);
      const empty = await build("");
      assert.match(empty.stderr, /the Dockerfile \(Dockerfile\) cannot be empty/);
    });

    it("says which file a COPY is missing and which image a FROM is missing", async () => {
      const file = await build("FROM busybox\nCOPY nosuch /\n");
      assert.equal(file.code, 1);
      assert.match(
        file.stderr,
        /COPY failed: file not found in build context or excluded by \.dockerignore: stat nosuch: file does not exist/,
      );
      assert.equal(count(complaint(file), "\n"), 0, file.stderr);
      const stage = await build("FROM busybox\nCOPY --from=nosuch.invalid/x /a /\n");
      assert.equal(stage.code, 1);
      const outside = await build("FROM busybox\nCOPY ../../etc/passwd /\n");
      assert.equal(outside.code, 1);
      assert.match(outside.stderr, /file not found in build context|forbidden path/i);
    });

    it("gives RUN a network, and none with --network none", async () => {
      const dockerfile =
        "FROM busybox\nRUN ip -o -4 addr | cut -d' ' -f2 | tr '\\n' ' ' > /links; cat /etc/resolv.conf > /dev/null\n";
      await built(dockerfile);
      assert.match(await says("cat", "/links"), /lo eth0/);
      await built(dockerfile, {}, "--network", "none", "--no-cache");
      assert.equal((await says("cat", "/links")).trim(), "lo");
      const gateway = `${engine.subnet}.1`;
      await built(`FROM busybox\nRUN ping -c1 -W2 ${gateway} && echo reached > /reached\n`);
      assert.equal(await says("cat", "/reached"), "reached");
    });

    it("writes only the id with -q, and to a file with --iidfile", async () => {
      const file = path.join(engine.folder, `iid-${cli}`);
      const context = folder({ Dockerfile: "FROM busybox\nRUN echo q\n" });
      const text = await out("build", "-q", context);
      assert.match(text, /^sha256:[0-9a-f]{64}$/);
      await out("build", "--iidfile", file, context);
      assert.equal(fs.readFileSync(file, "utf8"), text);
    });

    it("leaves no layer of removed images once the cache is pruned", async () => {
      const images = (await out("images", "-q", "--no-trunc")).split("\n");
      const base = await engine.ok("inspect", "-f", "{{.Id}}", "busybox");
      const doomed = [...new Set(images)].filter((id) => id !== base);
      if (doomed.length > 0) await out("rmi", "-f", ...doomed);
      const refused = await engine.docker("builder", "prune", "-af", "--filter", "nosuch=abc");
      assert.match(refused.stderr, /failed to prune build cache: invalid filter 'nosuch'/);
      await out("builder", "prune", "-af");
      const layers = fs.readdirSync(path.join(engine.dataRoot, "layers")).filter((name) => /^[0-9a-z]+$/.test(name));
      assert.deepEqual(layers, ["1"]);
      assert.equal(fs.readdirSync(path.join(engine.dataRoot, "workspaces")).length, 0);
    });
  });
}
