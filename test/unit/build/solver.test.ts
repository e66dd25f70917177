import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { build, FakeHost, filesOf } from "./fake-host.ts";

function host(): FakeHost {
  const fake = new FakeHost();
  fake.image("busybox:latest", { "bin/sh": "elf" }, { Cmd: ["sh"], Env: ["PATH=/bin"] });
  fake.onRun = (step, tree) => {
    step.onOutput("stdout", Buffer.from("out\n"));
    tree.set(`ran-${step.args.at(-1)?.replaceAll(/\W+/g, "-")}`, {
      kind: "file",
      content: step.env.join(","),
      owner: "0:0",
      mode: 0o644,
    });
    return 0;
  };
  return fake;
}

const TEN_STEPS = [
  "FROM busybox",
  "ARG V=1",
  "ENV A=b",
  "WORKDIR /app",
  "COPY a.txt .",
  "RUN make",
  "LABEL x=y",
  "EXPOSE 80",
  "USER 1:1",
  'CMD ["run"]',
].join("\n");

describe("a build's output", () => {
  it("speaks the classic builder's words", async () => {
    const fake = host();
    const { output, id, lines } = await build(
      fake,
      { Dockerfile: 'FROM busybox\nRUN make\nCOPY a.txt /\nCMD ["sh"]\n', "a.txt": "a" },
      { tags: ["x", "localhost:5000/y:2"] },
    );
    const shape = output.replaceAll(/\b[0-9a-f]{12}\b/g, "ID");
    assert.equal(
      shape,
      [
        "Step 1/4 : FROM busybox",
        " ---> ID",
        "Step 2/4 : RUN make",
        " ---> Running in ID",
        "out",
        "Removing intermediate container ID",
        " ---> ID",
        "Step 3/4 : COPY a.txt /",
        " ---> ID",
        'Step 4/4 : CMD ["sh"]',
        " ---> Running in ID",
        "Removing intermediate container ID",
        " ---> ID",
        "Successfully built ID",
        "Successfully tagged x:latest",
        "Successfully tagged localhost:5000/y:2",
        "",
      ].join("\n"),
    );
    assert.deepEqual(
      lines.filter((line) => line.aux).map((line) => line.aux),
      [{ ID: id }],
    );
    assert.equal(fake.tags.get("x:latest"), id);
    assert.ok(output.includes(`Successfully built ${id.slice(7, 19)}\n`));
  });

  it("colours what RUN writes to stderr, and keeps a character cut in two whole", async () => {
    const fake = host();
    fake.onRun = (step) => {
      const bytes = Buffer.from("é\n");
      step.onOutput("stderr", bytes.subarray(0, 1));
      step.onOutput("stderr", bytes.subarray(1));
      return 0;
    };
    const { output } = await build(fake, { Dockerfile: "FROM busybox\nRUN warn\n" });
    assert.ok(output.includes("\u001b[91mé\n\u001b[0m"));
  });

  it("warns of build arguments that nothing took", async () => {
    const { output } = await build(
      host(),
      { Dockerfile: "FROM busybox\nARG USED\n" },
      { buildArgs: { USED: "1", B: "2", A: "3", HTTP_PROXY: "p" } },
    );
    assert.ok(output.includes("[Warning] One or more build-args [A B] were not consumed\n"));
  });
});

describe("a failing RUN", () => {
  it("ends with Docker's words and the exit code, leaving nothing but the steps before it in the cache", async () => {
    const fake = host();
    const run = fake.onRun;
    fake.onRun = (step, tree) => (step.args.at(-1) === "false" ? 3 : run(step, tree));
    const files = { Dockerfile: "FROM busybox\nRUN make\nRUN false\n" };
    await assert.rejects(build(fake, files, { tags: ["x"] }), (error) => {
      assert.ok(isGantryError(error, "RUN_FAILED"));
      assert.equal(error.message, "The command '/bin/sh -c false' returned a non-zero code: 3");
      assert.equal(error.details?.["exitCode"], 3);
      return true;
    });
    assert.deepEqual(fake.leftovers(), []);
    assert.equal(fake.tags.has("x:latest"), false);
    assert.equal(fake.log.at(-1), "sync", "the layers that are there are durable");
    fake.onRun = run;
    const { output } = await build(fake, files);
    assert.equal(output.match(/Using cache/g)?.length, 1);
  });

  it("is canceled when the client goes away, without leftovers", async () => {
    const fake = host();
    const control = new AbortController();
    fake.onRun = () => {
      control.abort();
      return 137;
    };
    const building = build(fake, { Dockerfile: "FROM busybox\nRUN sleep\n" }, {}, { signal: control.signal });
    await assert.rejects(building, (error) => isGantryError(error, "BUILD_CANCELED"));
    assert.deepEqual(fake.leftovers(), []);
  });
});

describe("the cache", () => {
  it("gives the same image without mounting anything when nothing changed", async () => {
    const fake = host();
    const files = { Dockerfile: TEN_STEPS, "a.txt": "a" };
    const first = await build(fake, files, { tags: ["x"] });
    fake.log.length = 0;
    const second = await build(fake, files, { tags: ["x"] });
    assert.equal(second.id, first.id);
    assert.equal(second.output.match(/Using cache/g)?.length, 9);
    assert.deepEqual(fake.log, ["add", "commit"], "the image, and that its steps were used");
  });

  const misses: [string, Record<string, string>, object, number][] = [
    ["a copied file's content changes", { "a.txt": "other" }, {}, 3],
    ["an ENV changes", { Dockerfile: TEN_STEPS.replace("A=b", "A=c") }, {}, 1],
    ["a RUN changes", { Dockerfile: TEN_STEPS.replace("make", "make all") }, {}, 4],
    ["a build argument that RUN sees changes", {}, { buildArgs: { V: "2" } }, 4],
    ["a label before changes", { Dockerfile: TEN_STEPS.replace("x=y", "x=z") }, {}, 5],
  ];
  for (const [what, changed, overrides, hits] of misses) {
    it(`misses from there on when ${what}`, async () => {
      const fake = host();
      const files = { Dockerfile: TEN_STEPS, "a.txt": "a" };
      const first = await build(fake, files);
      const second = await build(fake, { ...files, ...changed }, overrides);
      assert.equal(second.output.match(/Using cache/g)?.length, hits, second.output);
      assert.notEqual(second.id, first.id);
    });
  }

  it("is not asked with --no-cache, and misses when a layer is gone", async () => {
    const fake = host();
    const files = { Dockerfile: TEN_STEPS, "a.txt": "a" };
    const first = await build(fake, files);
    const uncached = await build(fake, files, { noCache: true });
    assert.equal(uncached.output.includes("Using cache"), false);
    const run = first.image.chain.at(-1) ?? "";
    fake.layerRecords.delete(run);
    const third = await build(fake, files);
    assert.equal(third.output.match(/Using cache/g)?.length, 8, "all but RUN, whose layer comes out the same");
  });

  it("knows the files of another stage without mounting it", async () => {
    const fake = host();
    const files = { Dockerfile: "FROM busybox AS b\nRUN make\nFROM scratch\nCOPY --from=b /ran-make /x\n" };
    const first = await build(fake, files);
    fake.log.length = 0;
    assert.equal((await build(fake, files)).id, first.id);
    assert.deepEqual(fake.log, ["add", "commit"], "the image, and that its steps were used");
  });
});

describe("steps", () => {
  it("RUN sees ENV, ARG and proxies, its user and its folder", async () => {
    const fake = host();
    const Dockerfile =
      "FROM busybox\nARG V=1 HIDDEN=no\nENV HIDDEN=yes\nUSER app\nWORKDIR /w\nWORKDIR sub\nRUN --network=none x\n";
    const { image } = await build(
      fake,
      { Dockerfile },
      { buildArgs: { V: "2", https_proxy: "p:1" }, hostConfig: { Memory: 7 } },
    );
    const step = fake.steps[0];
    assert.deepEqual(step?.args, ["/bin/sh", "-c", "x"]);
    assert.deepEqual(step?.env, ["PATH=/bin", "HIDDEN=yes", "V=2", "https_proxy=p:1"]);
    assert.equal(step?.user, "app");
    assert.equal(step?.cwd, "/w/sub");
    assert.deepEqual(step?.hostConfig, { Memory: 7, NetworkMode: "none" });
    assert.equal(filesOf(fake, image).get("w/sub")?.kind, "folder");
    const history = image.config.history?.at(-1);
    assert.equal(history?.created_by, "|1 V=2 /bin/sh -c x");
    assert.equal(history?.empty_layer, undefined);
  });

  it("write Docker's history and configuration", async () => {
    const fake = host();
    const Dockerfile = [
      "FROM busybox",
      "MAINTAINER Me",
      "ENV A=1 B=$A",
      'LABEL k="v w"',
      "EXPOSE 80 53/udp",
      "VOLUME /data",
      "STOPSIGNAL SIGINT",
      'SHELL ["/bin/bash", "-c"]',
      "HEALTHCHECK --interval=5s --retries=3 CMD ok",
      "ONBUILD RUN child",
      'ENTRYPOINT ["/e"]',
      "WORKDIR /bin",
    ].join("\n");
    const { image } = await build(fake, { Dockerfile });
    assert.deepEqual(image.config.config, {
      Cmd: null,
      Env: ["PATH=/bin", "A=1", "B="],
      Labels: { k: "v w" },
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Volumes: { "/data": {} },
      StopSignal: "SIGINT",
      Shell: ["/bin/bash", "-c"],
      Healthcheck: { Test: ["CMD-SHELL", "ok"], Interval: 5e9, Retries: 3 },
      OnBuild: ["RUN child"],
      Entrypoint: ["/e"],
      WorkingDir: "/bin",
    });
    assert.equal(image.config.author, "Me");
    assert.deepEqual(
      image.config.history?.slice(1).map((entry) => entry.created_by),
      [
        "/bin/sh -c #(nop)  MAINTAINER Me",
        "/bin/sh -c #(nop)  ENV A=1 B=",
        "/bin/sh -c #(nop)  LABEL k=v w",
        "/bin/sh -c #(nop)  EXPOSE 80 53/udp",
        "/bin/sh -c #(nop)  VOLUME [/data]",
        "/bin/sh -c #(nop)  STOPSIGNAL SIGINT",
        "/bin/sh -c #(nop)  SHELL [/bin/bash -c]",
        '/bin/bash -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "ok"] "5s" "0s" "0s" "0s" \'\\x03\'}',
        "/bin/bash -c #(nop)  ONBUILD RUN child",
        '/bin/bash -c #(nop)  ENTRYPOINT ["/e"]',
        "/bin/bash -c #(nop) WORKDIR /bin",
      ],
    );
    assert.equal(image.config.rootfs.diff_ids.length, 2, "base and /bin: only files make layers");
  });

  it("ENTRYPOINT takes an inherited CMD away, but not one of its own stage", async () => {
    const one = await build(host(), { Dockerfile: "FROM busybox\nENTRYPOINT e\n" });
    assert.equal(one.image.config.config?.Cmd, null);
    const two = await build(host(), { Dockerfile: 'FROM busybox\nCMD ["c"]\nENTRYPOINT ["e"]\n' });
    assert.deepEqual(two.image.config.config?.Cmd, ["c"]);
  });

  it("a base image's triggers run in the child and are gone afterwards", async () => {
    const fake = host();
    await build(fake, { Dockerfile: "FROM busybox\nONBUILD RUN trigger\nONBUILD ENV T=1\n" }, { tags: ["parent"] });
    const { image, output } = await build(fake, { Dockerfile: "FROM parent\n" });
    assert.ok(output.includes("# Executing 2 build triggers\n"));
    assert.ok(filesOf(fake, image).has("ran-trigger"));
    assert.ok(image.config.config?.Env?.includes("T=1"));
    assert.equal(image.config.config?.OnBuild, null);
  });

  it("a Dockerfile of FROM alone names the base image", async () => {
    const fake = host();
    const { id } = await build(fake, { Dockerfile: "FROM busybox\n" }, { tags: ["again"] });
    assert.equal(id, fake.tags.get("busybox:latest"));
    assert.equal(fake.tags.get("again:latest"), id);
    await assert.rejects(build(fake, { Dockerfile: "FROM scratch\n" }), /No image was generated/);
  });

  it("--label adds labels as they are, sorted, to the target", async () => {
    const { image, output } = await build(
      host(),
      { Dockerfile: "FROM busybox\n" },
      { labels: { b: "it's $HOME", a: '"q"' } },
    );
    assert.deepEqual(image.config.config?.Labels, { a: '"q"', b: "it's $HOME" });
    assert.ok(output.includes('Step 2/3 : LABEL a="q"\n'));
  });

  it("FROM pulls what isn't here, and always with --pull", async () => {
    const fake = host();
    const elsewhere = new FakeHost().image("remote:1", { f: "x" });
    for (const chain of elsewhere.chain)
      fake.layerRecords.set(chain, { chainId: chain, diffId: chain, size: 1, dir: "d" });
    fake.registry.set("remote:1", elsewhere);
    fake.registry.set("busybox", fake.images.resolve("busybox"));
    fake.imageRecords.set(elsewhere.id, elsewhere);
    await build(fake, { Dockerfile: "FROM remote:1\n" });
    await build(fake, { Dockerfile: "FROM busybox\n" }, { pull: true });
    assert.deepEqual(
      fake.log.filter((line) => line.startsWith("pull")),
      ["pull remote:1", "pull busybox"],
    );
  });

  it("only stages that the target needs are built", async () => {
    const fake = host();
    const Dockerfile =
      "FROM busybox AS a\nRUN one\nFROM busybox AS b\nRUN two\nFROM busybox AS c\nCOPY --from=a /ran-one /\nRUN three\n";
    await build(fake, { Dockerfile });
    assert.deepEqual(
      fake.steps.map((step) => step.args.at(-1)),
      ["one", "three"],
    );
    await build(fake, { Dockerfile }, { target: "b" });
    assert.equal(fake.steps.at(-1)?.args.at(-1), "two");
    await assert.rejects(build(fake, { Dockerfile }, { target: "d" }), /target stage "d" could not be found/);
  });

  it("a here-document is a script, and with #! a program", async () => {
    const fake = host();
    await build(fake, {
      Dockerfile: "FROM busybox\nRUN <<EOF\necho a\necho b\nEOF\nRUN <<X\n#!/bin/sh\nexit\nX\nRUN cat <<Y >/o\ny\nY\n",
    });
    assert.deepEqual(
      fake.steps.map((step) => step.args),
      [["/bin/sh", "-c", "echo a\necho b\n"], ["/dev/pipes/scripts/X"], ["/bin/sh", "-c", "cat <<Y >/o\ny\nY"]],
    );
    assert.deepEqual(
      fake.steps[1]?.mounts.map((mount) => [mount.target, "readonly" in mount && mount.readonly]),
      [["/dev/pipes/scripts", true]],
    );
  });

  it("mounts of RUN: caches by id, tmpfs, and a secret that nobody gave is refused when it is required", async () => {
    const fake = host();
    await build(fake, {
      Dockerfile:
        "FROM busybox\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t,size=1k --mount=type=secret,id=s x\n",
    });
    assert.deepEqual(
      fake.steps[0]?.mounts.map(({ type, target }) => [type, target]),
      [
        ["bind", "/c"],
        ["tmpfs", "/t"],
      ],
    );
    const required = build(fake, { Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=s,required x\n" });
    await assert.rejects(required, (error) => isGantryError(error, "SECRET_MISSING"));
    assert.deepEqual(fake.leftovers(), []);
  });
});

describe("COPY and ADD", () => {
  it("keep the folders above with --parents, from /./ on", async () => {
    const fake = host();
    const Dockerfile = [
      "FROM busybox",
      "COPY --parents ./x/y/a.txt z /all/",
      "COPY --parents ./x/./y/*.txt /part",
      "COPY --parents --exclude=x/y/b.txt x/**/*.txt /deep/",
    ].join("\n");
    const files = { "x/y/a.txt": "a", "x/y/b.txt": "b", "x/no": "n", "z/f": "f" };
    const { image } = await build(fake, { Dockerfile, ...files });
    const found = [...filesOf(fake, image)].flatMap(([path, node]) => (node.kind === "file" ? path : []));
    assert.deepEqual(found.filter((path) => /^(?:all|part|deep)/.test(path)).toSorted(), [
      "all/x/y/a.txt",
      "all/z/f",
      "deep/x/y/a.txt",
      "part/y/a.txt",
      "part/y/b.txt",
    ]);
  });

  it("leave out what --exclude names, also among what a pattern finds", async () => {
    const fake = host();
    const Dockerfile = "FROM busybox\nCOPY --exclude=*.md --exclude=d/x --exclude=x hom* d /to/\n";
    const { image } = await build(fake, { Dockerfile, "home.txt": "t", "home.md": "m", "d/x": "x", "d/y": "y" });
    const found = [...filesOf(fake, image).keys()].filter((path) => path.startsWith("to/"));
    assert.deepEqual(found.toSorted(), ["to/home.txt", "to/y"]);
  });

  it("go on where a pattern finds nothing, and say so", async () => {
    const { output } = await build(host(), { Dockerfile: "FROM busybox\nCOPY *.nope a.txt /d/\n", "a.txt": "a" });
    assert.match(output, /\[Warning\] COPY \*\.nope: no file matches\n/);
  });

  it("put files where Docker puts them, as root or as --chown says", async () => {
    const fake = host();
    const Dockerfile = [
      "FROM busybox",
      "WORKDIR /w",
      "COPY a.txt b.txt dir/",
      "COPY dir .",
      "COPY --chown=7:8 --chmod=600 a.txt /owned",
      "COPY *.txt /all/",
      "COPY <<EOF /here",
      "hello $HOSTNAME",
      "EOF",
    ].join("\n");
    const { image } = await build(fake, { Dockerfile, "a.txt": "a", "b.txt": "b", "dir/in/c": "c" });
    const tree = filesOf(fake, image);
    assert.equal(tree.get("w/dir/a.txt")?.content, "a");
    assert.equal(tree.get("w/in/c")?.content, "c");
    assert.deepEqual(tree.get("owned"), { kind: "file", content: "a", owner: "7:8", mode: 0o600 });
    assert.equal(tree.get("all/b.txt")?.content, "b");
    assert.equal(tree.get("here")?.content, "hello \n");
  });

  const refusals: [string, string][] = [
    [
      "COPY nope /",
      "COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist",
    ],
    [
      "COPY ../../x /",
      "COPY failed: file not found in build context or excluded by .dockerignore: stat x: file does not exist",
    ],
    [
      "RUN --security=insecure x",
      "granting entitlement security.insecure is not allowed by build daemon configuration",
    ],
    ["ADD --checksum=sha256:0 dir /", "checksum requires HTTP(S) or Git sources"],
    ["ADD --checksum=sha256:0 http://x/y /", "invalid checksum digest format: sha256:0"],
    ["ADD https://-x/y.git /", "invalid git reference https://-x/y.git: the host begins with a dash"],
    ["ADD https://x/y.git#-u /", 'invalid git reference https://x/y.git#-u: "-u" is no name of a ref'],
    [
      "COPY a.txt b.txt /d",
      "When using COPY with more than one source file, the destination must be a directory and end with a /",
    ],
    ["COPY http://x/y /", "COPY failed: source can't be a URL for COPY"],
    ["COPY --from=busybox /none /", "COPY failed: stat none: file does not exist"],
    [
      "COPY --chown=ghost a.txt /",
      "unable to convert uid/gid chown string to host mapping: can't find uid for user ghost: no such user: ghost",
    ],
    ["COPY --chmod=rwx a.txt /", "invalid chmod parameter: 'rwx'. it should be octal string and between 0 and 07777"],
  ];
  for (const [line, message] of refusals) {
    it(`${line} ends with one clear message and nothing left behind`, async () => {
      const fake = host();
      const building = build(fake, { Dockerfile: `FROM busybox\n${line}\n`, "a.txt": "a", "b.txt": "b" });
      await assert.rejects(building, { message });
      assert.deepEqual(fake.leftovers(), []);
    });
  }

  const ignoring = {
    Dockerfile: "FROM busybox\nCOPY . /ctx\n",
    "a.log": "",
    "keep.log": "",
    "b.txt": "",
  };
  const rules = "# comment\n*.log\n!keep.log\nDockerfile\n";
  const copied = async (files: Record<string, string>): Promise<string[]> => {
    const fake = host();
    const { image } = await build(fake, files);
    return [...filesOf(fake, image).keys()].filter((path) => path.startsWith("ctx/")).toSorted();
  };

  it("a Dockerfile's own ignore file is kept to", async () => {
    const names = await copied({ ...ignoring, "Dockerfile.dockerignore": rules });
    assert.deepEqual(names, ["ctx/Dockerfile.dockerignore", "ctx/b.txt", "ctx/keep.log"]);
  });

  it(".dockerignore is the client's to keep to, but for what the engine had to read", async () => {
    const names = await copied({ ...ignoring, ".dockerignore": rules });
    assert.deepEqual(names, ["ctx/.dockerignore", "ctx/a.log", "ctx/b.txt", "ctx/keep.log"]);
  });

  it("ADD fetches URLs and checks what they gave", async () => {
    const fake = host();
    fake.urls.set("http://h/f.txt", { filename: "f.txt", body: "data" });
    const { image } = await build(fake, { Dockerfile: "FROM busybox\nADD http://h/f.txt /dl/\n" });
    assert.deepEqual(filesOf(fake, image).get("dl/f.txt"), {
      kind: "file",
      content: "data",
      owner: "0:0",
      mode: 0o600,
    });
    const zeros = `sha256:${"0".repeat(64)}`;
    await assert.rejects(
      build(fake, { Dockerfile: `FROM busybox\nADD --checksum=${zeros} http://h/f.txt /dl/\n` }),
      /digest mismatch/,
    );
    assert.deepEqual(fake.leftovers(), []);
  });
});

describe("a bad request", () => {
  it("without the Dockerfile says which one was looked for", async () => {
    await assert.rejects(build(host(), { x: "" }), /Cannot locate specified Dockerfile: Dockerfile/);
    await assert.rejects(build(host(), { Dockerfile: "" }), /the Dockerfile \(Dockerfile\) cannot be empty/);
    await build(host(), { dockerfile: "FROM busybox\n" });
  });

  it("with a bad tag fails before anything is done", async () => {
    const fake = host();
    await assert.rejects(build(fake, { Dockerfile: "FROM busybox\n" }, { tags: ["Bad Name"] }), (error) =>
      isGantryError(error, "BAD_REFERENCE"),
    );
    assert.deepEqual(fake.log, []);
  });

  it("with a variable that can't be expanded shows the line", async () => {
    await assert.rejects(build(host(), { Dockerfile: 'FROM busybox\nENV a="${b:?must be set}"\n' }), (error) => {
      assert.ok(isGantryError(error, "BAD_DOCKERFILE"));
      assert.ok(
        error.message.startsWith(
          'dockerfile parse error line 2: failed to process "ENV a="${b:?must be set}"": b: must be set\n',
        ),
      );
      return true;
    });
  });
});
