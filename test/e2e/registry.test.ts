import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { honestImage, serveImage, startLiar } from "../drivers/registry-http/lying-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
let open: RealRegistry;
let closed: RealRegistry;
before(async () => {
  [engine, open, closed] = await Promise.all([TestEngine.start(), startRegistry(), startRegistry({ htpasswd: true })]);
});
after(async () => {
  await Promise.all([open.stop(), closed.stop()]);
  await engine.end();
});

const inFolder = (name: string): string[] => fs.readdirSync(path.join(engine.dataRoot, name));
const layers = (): string[] => inFolder("layers").filter((name) => /^[0-9a-z]+$/.test(name));
const blobs = (): string[] => inFolder("blobs/sha256");
const lines = (text: string): string[] => text.trimEnd().split("\n");

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
  const idOf = (name: string): Promise<string> => out("inspect", "-f", "{{.Id}}", name);
  const fails = async (code: number, words: RegExp, ...args: string[]): Promise<void> => {
    const ran = await call(...args);
    assert.equal(ran.code, code, `${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
    assert.match(ran.stderr, words);
    const told = lines(ran.stderr).filter((line) => line !== "" && !/^hint: |^Usage: |--help' for more/.test(line));
    assert.equal(told.length, 1, ran.stderr);
  };

  describe(`through ${cli}`, () => {
    let app: string;
    let base: { layers: string[]; blobs: string[] };

    before(async () => {
      base = { layers: layers(), blobs: blobs() };
      app = `${open.host}/${cli}/app:1`;
      const made = await feed(`FROM busybox\nRUN echo ${cli} > /who\nRUN echo two > /two\n`, "build", "-t", app, "-");
      assert.equal(made.code, 0, made.stderr);
    });

    it("pushes, pulls what was pushed, and keeps the digest when it is pushed again", async () => {
      const pushed = await out("push", app);
      assert.match(pushed, new RegExp(`^The push refers to repository \\[${open.host}/${cli}/app\\]\n`));
      assert.equal(lines(pushed).filter((line) => line.endsWith(": Pushed")).length >= 2, true, pushed);
      const digest = /^1: digest: (sha256:[0-9a-f]{64}) size: \d+$/m.exec(pushed)?.[1];
      assert.ok(digest, pushed);
      const again = await out("push", app);
      assert.equal(lines(again).filter((line) => line.endsWith(": Layer already exists")).length, 3, again);
      assert.match(again, new RegExp(`digest: ${digest}`));

      const id = await idOf(app);
      await out("rmi", app);
      await engine.ok("builder", "prune", "-af");
      const pulled = await out("pull", app);
      assert.equal(await idOf(app), id);
      const [first, ...others] = lines(pulled);
      assert.equal(first, `1: Pulling from ${cli}/app`);
      assert.equal(others.filter((line) => line.endsWith(": Pull complete")).length, 2, pulled);
      assert.equal(others.filter((line) => line.endsWith(": Already exists")).length, 1, pulled);
      assert.deepEqual(others.slice(-3), [...[`Digest: ${digest}`, `Status: Downloaded newer image for ${app}`, app]]);
      assert.match(await out("pull", app), new RegExp(`Status: Image is up to date for ${app}`));
      assert.equal(await out("run", "--rm", app, "cat", "/who", "/two"), `${cli}\ntwo`);
      assert.match(await out("inspect", "-f", "{{.RepoDigests}}", app), new RegExp(`app@${digest}`));

      await out("tag", app, `${open.host}/${cli}/other:2`);
      assert.match(await out("push", `${open.host}/${cli}/other:2`), new RegExp(`2: digest: ${digest} `));
      const byDigest = `${open.host}/${cli}/app@${digest}`;
      assert.equal(lines(await out("pull", byDigest)).at(-1), byDigest);
      assert.equal(await out("run", "--rm", byDigest, "cat", "/two"), "two");
      assert.equal(await out("pull", "-q", app), app);
    });

    it("stores a layer that images share once", async () => {
      const before = layers().length;
      const made = await feed(`FROM ${app}\nRUN echo more > /more\n`, "build", "-t", "more", "-");
      assert.equal(made.code, 0, made.stderr);
      assert.equal(layers().length, before + 1);
      await out("rmi", "more");
    });

    it("pulls every tag with -a, pushes them with -a", async () => {
      const all = `${open.host}/${cli}/all`;
      await out("tag", "busybox", `${all}:a`);
      await out("tag", app, `${all}:b`);
      assert.match(await out("push", "-a", all), /a: digest: [^]*b: digest: |b: digest: [^]*a: digest: /);
      await out("rmi", `${all}:a`, `${all}:b`);
      await out("pull", "-a", all);
      assert.deepEqual(lines(await out("images", "--format", "{{.Tag}}", all)).toSorted(), ["a", "b"]);
      await out("rmi", `${all}:a`, `${all}:b`);
    });

    it("runs an image that it must pull first, and says so on stderr", async () => {
      const id = await idOf(app);
      await out("rmi", "-f", id);
      const ran = await call("run", "--rm", app, "cat", "/two");
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal(ran.stdout, "two\n");
      assert.match(ran.stderr, new RegExp(`^Unable to find image '${app}' locally\n1: Pulling from`));
      await fails(125, /No such image: nosuch:latest/, "run", "--rm", "--pull", "never", "nosuch");
    });

    it("says what is missing, where nobody answers and what is no reference", async () => {
      const missing = `${open.host}/${cli}/app:none`;
      await fails(1, new RegExp(`manifest for ${missing} not found: manifest unknown`), "pull", missing);
      await fails(1, /connection refused/, "pull", "127.0.0.1:9/x");
      await fails(1, /invalid reference format/, "pull", "twice//slashed:x");
      await fails(1, /An image does not exist locally with the tag: .*\/unknown/, "push", `${open.host}/unknown`);
      const ran = await call("run", "--rm", missing);
      assert.equal(ran.code, 125);
      assert.match(ran.stderr, /not found: manifest unknown/);
      assert.equal(await out("ps", "-aq"), "");
    });

    it("needs a login where the registry does, refuses a wrong password, forgets it after logout", async () => {
      const guarded = `${closed.host}/${cli}:1`;
      await out("tag", "busybox", guarded);
      await fails(1, /no basic auth credentials/, "push", guarded);
      await fails(1, /no basic auth credentials|unauthorized/i, "pull", guarded);
      const wrong = await feed("bad", "login", "-u", "gantry", "--password-stdin", closed.host);
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /401 Unauthorized|unauthorized/);
      const login = await feed("secret", "login", "-u", "gantry", "--password-stdin", closed.host);
      assert.equal(login.code, 0, login.stderr);
      assert.match(login.stdout, /Login Succeeded/);
      await out("push", guarded);
      await out("rmi", guarded);
      await out("pull", guarded);
      const built = await feed(`FROM ${guarded}\nCMD true\n`, "build", "--pull", "-q", "-");
      assert.equal(built.code, 0, built.stderr);
      await out("rmi", "-f", built.stdout.trim());
      assert.match(await out("logout", closed.host), /Removing login credentials/);
      await fails(1, /no basic auth credentials|unauthorized/i, "pull", guarded);
      await out("rmi", guarded);
    });

    it("refuses what a lying registry gives, once and clearly, and keeps nothing of it", async () => {
      const image = honestImage();
      const before = { layers: layers(), blobs: blobs() };
      const lies = [
        serveImage(image, (what, _request, response) => {
          if (what === "layer") response.end(Buffer.concat([Buffer.from("?"), image.layer.subarray(1)]));
          return what === "layer";
        }),
        serveImage(image, (what, _request, response) => {
          if (what === "manifest") response.setHeader("Content-Type", "text/html").end("<html>welcome</html>");
          return what === "manifest";
        }),
        serveImage(image, (what, _request, response) => {
          if (what === "config") response.end("{}");
          return what === "config";
        }),
      ];
      for (const lie of lies) {
        const liar = await startLiar(lie);
        try {
          await fails(1, /digest|manifest|has 2 bytes instead of/i, "pull", `${liar.host}/x:y`);
        } finally {
          await liar.stop();
        }
      }
      assert.deepEqual({ layers: layers(), blobs: blobs() }, before);
    });

    it("saves and loads again, by a file and by pipes, layers and names and all", async () => {
      const id = await idOf(app);
      await out("tag", app, "saved:1");
      const file = path.join(engine.folder, `${cli}.tar`);
      await out("save", "-o", file, app, "saved:1", "busybox");
      const names = execFileSync("tar", ["-tf", file], { encoding: "utf8" });
      assert.match(names, /^oci-layout$/m);
      assert.match(names, /^index\.json$/m);
      assert.match(names, /^manifest\.json$/m);
      await out("rmi", "-f", id);
      await engine.ok("builder", "prune", "-af");
      const loaded = await out("load", "-i", file);
      for (const name of [app, "saved:1", "busybox:latest"]) assert.match(loaded, new RegExp(`Loaded image: ${name}`));
      assert.equal(await idOf("saved:1"), id);
      const piped = await call("save", "saved:1");
      assert.equal(piped.code, 0);
      await out("rmi", "saved:1");
      const back = await feed(Buffer.from(piped.stdout, "latin1"), "load", "-q");
      assert.equal(back.stdout.trim(), "Loaded image: saved:1");
      assert.equal(await out("run", "--rm", "saved:1", "cat", "/two"), "two");
      await out("rmi", "saved:1");
    });

    it("loads an OCI layout that another tool might have made", async () => {
      const folder = fs.mkdtempSync(path.join(engine.folder, "oci-"));
      execFileSync("sh", ["-c", `tar -xf ${engine.folder}/${cli}.tar && rm -f manifest.json repositories`], {
        cwd: folder,
      });
      const layout = execFileSync("tar", ["-c", "."], { cwd: folder, maxBuffer: 1 << 28 });
      const ran = await feed(layout, "load");
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /Loaded image: saved:1/);
      await out("rmi", "saved:1");
    });

    it("says that an archive is broken, and keeps nothing of it", async () => {
      const before = { layers: layers(), blobs: blobs() };
      const tar = fs.readFileSync(path.join(engine.folder, `${cli}.tar`));
      for (const [broken, words] of [
        [tar.subarray(0, tar.length >> 1), /unexpected EOF/],
        [Buffer.from("no tar at all".repeat(100)), /invalid tar header|unexpected EOF/],
      ] as const) {
        const ran = await feed(broken, "load");
        assert.equal(ran.code, 1, ran.stdout);
        assert.match(ran.stderr, words);
        assert.equal(lines(ran.stderr).length, 1, ran.stderr);
      }
      await fails(1, /no such file or directory/, "load", "-i", "/none/such.tar");
      await fails(1, /No such image: nosuch/, "save", "-o", `${engine.folder}/never.tar`, "nosuch");
      assert.equal(fs.existsSync(`${engine.folder}/never.tar`), false);
      assert.deepEqual({ layers: layers(), blobs: blobs() }, before);
    });

    it("imports a tar as an image", async () => {
      const tar = execFileSync("tar", ["-C", "/", "-c", "bin/busybox"], { maxBuffer: 1 << 28 });
      const made = await feed(
        tar,
        "import",
        "-c",
        'CMD ["/bin/busybox", "echo", "flat"]',
        "-m",
        "by hand",
        "-",
        "flat:1",
      );
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /^sha256:[0-9a-f]{64}\n$/);
      assert.equal(await out("run", "--rm", "flat:1"), "flat");
      assert.equal(await out("history", "--format", "{{.Comment}}", "flat:1"), "by hand");
      const bad = await feed("no tar".repeat(300), "import", "-", "flat:2");
      assert.equal(bad.code, 1);
      assert.equal(lines(bad.stderr).length, 1, bad.stderr);
      await fails(1, /no such file or directory/, "import", "/none/such.tar");
      await out("rmi", "flat:1");
    });

    it("tags, lists and filters, shows the history", async () => {
      const made = await feed(`FROM ${app}\nLABEL kind=${cli}\nCMD ["x"]\n`, "build", "-t", "listed:1", "-");
      assert.equal(made.code, 0, made.stderr);
      await out("tag", "listed:1", "listed:2");
      const list = async (...filters: string[]): Promise<string[]> =>
        lines(
          await out(
            "images",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            ...filters.flatMap((filter) => ["--filter", filter]),
          ),
        ).toSorted();
      assert.deepEqual(await list(`label=kind=${cli}`), ["listed:1", "listed:2"]);
      assert.deepEqual(await list("reference=list*:2"), ["listed:2"]);
      assert.ok((await list("before=listed:1")).includes(app));
      assert.deepEqual(await list(`since=${app}`), ["listed:1", "listed:2"]);
      assert.deepEqual(await list("dangling=true"), [""]);
      await fails(1, /invalid filter 'nosuch'/, "images", "--filter", "nosuch=1");
      const history = lines(await out("history", "--no-trunc", "--format", "{{.CreatedBy}}", "listed:1"));
      assert.match(history[0] ?? "", /CMD \["x"\]/);
      assert.match(history[1] ?? "", new RegExp(`LABEL kind=${cli}`));
      await fails(1, /No such image: nosuch:latest/, "tag", "nosuch", "x");
      await fails(1, /invalid reference format/i, "tag", "listed:1", "Bad:Tag:x");
      assert.equal(await out("rmi", "listed:2"), "Untagged: listed:2");
      assert.match(await out("rmi", "listed:1"), /^Untagged: listed:1\nDeleted: sha256:[0-9a-f]{64}/);
    });

    it("refuses to remove an image in use", async () => {
      const id = await out("create", "--name", "user", app);
      const short = (await idOf(app)).slice(7, 19);
      await fails(
        1,
        new RegExp(
          `conflict: unable to remove repository reference "${app}" \\(must force\\) - container ${id.slice(0, 12)} is using its referenced image ${short}`,
        ),
        ...["rmi", app],
      );
      await fails(1, new RegExp(`conflict: unable to delete ${short} \\(must be forced\\)`), "rmi", short);
      await fails(1, /No such image: nosuch:latest/, "rmi", "nosuch");
      await out("rm", id);
    });

    it("leaves no blob and no layer once all is removed", async () => {
      const keep = await idOf("busybox");
      const ids = new Set(lines(await out("images", "-aq", "--no-trunc")));
      ids.delete(keep);
      await out("rmi", "-f", ...ids);
      for (const name of lines(await out("images", "--format", "{{.Repository}}:{{.Tag}}")))
        if (name !== "busybox:latest") await out("rmi", name);
      await engine.ok("builder", "prune", "-af");
      assert.deepEqual(layers(), base.layers);
      // Pushed and saved, busybox's layer has a compressed form by now.
      assert.equal(blobs().filter((name) => !base.blobs.includes(name)).length <= 3, true, blobs().join(" "));
    });
  });
}

it("carries an image from one engine to another by docker save and gantry load", async () => {
  const other = await TestEngine.start({ busybox: false });
  try {
    const saved = await engine.docker("save", "busybox");
    const loaded = await run(GANTRY, ["load"], { env: other.env, input: Buffer.from(saved.stdout, "latin1") });
    assert.equal(loaded.code, 0, loaded.stderr);
    assert.equal(
      await other.ok("inspect", "-f", "{{.Id}}", "busybox"),
      await engine.ok("inspect", "-f", "{{.Id}}", "busybox"),
    );
    assert.equal(await other.ok("run", "--rm", "busybox", "echo", "here"), "here");
  } finally {
    await other.end();
  }
});
