import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

/** `gantry context` and docker's, on one store. */
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-contexts-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const program = (cli: string): string => (cli === "docker" ? "docker" : GANTRY);

describe("contexts", () => {
  const pem = path.join(folder, "ca.pem");
  before(async () => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null"];
    const made = await run("openssl", ["req", "-x509", ...key, "-subj", "/CN=ca", "-out", pem], { env: process.env });
    assert.equal(made.code, 0, made.stderr);
  });

  /** Folders, default sockets and the program's name are each program's own. */
  const told = (text: string, home: string): string =>
    text
      .replaceAll(home, "HOME")
      .replaceAll("unix:///run/gantry.sock", "unix:///var/run/docker.sock")
      .replace(/^(NAME +DESCRIPTION +DOCKER ENDPOINT) +ERROR\n/m, "$1 ERROR\n")
      .replace(/ {2,}/g, "  ")
      .replace(/(Usage: +|')(?:docker|gantry) /g, "$1CLI ");

  const LINES = [
    "context ls",
    "context show",
    "context inspect",
    "context create default",
    "context create x",
    "context create a/b",
    "context create one --description first --docker host=unix:///tmp/one.sock",
    "context create one",
    `context create two --docker host=tcp://h:2376,ca=${pem},skip-tls-verify=true`,
    "context create three --from two --description third",
    "context create four --docker from=one", // docker 28 leaves the certificates behind
    "context create five",
    "context create six --docker host=zz",
    "context create six --docker foo=bar",
    "context create six --docker host",
    "context create six --docker skip-tls-verify=maybe",
    "context create six --docker ca=/nonexistent",
    "context create six --from nope",
    "context ls",
    "context ls -q",
    "context ls --format json",
    "context ls --format {{.Name}}={{.Current}}/{{.DockerEndpoint}}",
    "context inspect one two default",
    "context inspect -f {{.Name}}:{{.Endpoints.docker.Host}} two three",
    "context inspect nope one",
    "context update one --description again",
    "context update two --docker host=tcp://h:1",
    "context update nope",
    "context inspect one two",
    "context use nope",
    "context use one",
    "context show",
    "context ls",
    "context inspect",
    "context rm one",
    "context rm two nope",
    "context rm default",
    "context rm -f nope",
    "context rm -f one",
    "context show",
    "context use three",
    "--context four context show",
    "--context four --host unix:///x ps",
    "--context nope ps",
    "context export three HOME/three.tar",
    "context export three HOME/three.tar",
    "context export nope",
    "context import seven HOME/three.tar",
    "context import seven HOME/three.tar",
    "context import eight HOME/nothing",
    "context inspect seven",
    "context use default",
    "context show",
  ];

  it("gantry says and stores what docker 28 does", async (t) => {
    const { stdout: version } = await run("docker", ["--version"], { env: process.env });
    if (!version.includes("version 28.")) {
      t.skip("the docker CLI here is not 28's");
      return;
    }
    const stories = await Promise.all(
      ["docker", "gantry"].map(async (cli) => {
        const home = path.join(folder, cli);
        fs.mkdirSync(home);
        const env = { PATH: process.env["PATH"], HOME: home };
        const lines: string[] = [];
        for (const line of LINES) {
          const ran = await run(program(cli), line.replaceAll("HOME", home).split(" "), { env, cwd: home });
          lines.push(
            `$ ${line}\n${told(ran.stdout, home)}${told(ran.stderr, home).replace(/^hint: .*\n/m, "")}=${ran.code}`,
          );
        }
        for (const [name, variables] of Object.entries({
          host: { DOCKER_HOST: "unix:///q" },
          context: { DOCKER_CONTEXT: "four" },
          both: { DOCKER_HOST: "unix:///q", DOCKER_CONTEXT: "four" },
          nowhere: { DOCKER_CONTEXT: "nope" },
        })) {
          for (const line of ["context ls", "context show", "context use three"]) {
            const ran = await run(program(cli), line.split(" "), { env: { ...env, ...variables } });
            lines.push(`${name}$ ${line}\n${told(ran.stdout, home)}${told(ran.stderr, home)}=${ran.code}`);
          }
        }
        const root = path.join(home, ".docker");
        for (const file of fs.readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted()) {
          const stat = fs.statSync(path.join(root, file));
          const mode = (stat.mode & 0o777).toString(8);
          if (file === "config.json") lines.push(`${file} ${mode}`);
          else if (stat.isDirectory()) lines.push(`${file} ${mode}`);
          else lines.push(`${file} ${mode} ${told(fs.readFileSync(path.join(root, file), "utf8"), home)}`);
        }
        return lines;
      }),
    );
    const [docker, gantry] = stories as [string[], string[]];
    const differing = docker.flatMap((line, at) => (line === gantry[at] ? [] : [[line, gantry[at]]]));
    assert.deepEqual(differing, []);
    assert.equal(gantry.length, docker.length);
  });

  it("takes a zip", async (t) => {
    const home = path.join(folder, "zip");
    fs.mkdirSync(path.join(home, "in/tls/docker"), { recursive: true });
    fs.writeFileSync(
      path.join(home, "in/meta.json"),
      '{"Name":"a","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://z:1","SkipTLSVerify":false}}}',
    );
    fs.writeFileSync(path.join(home, "in/tls/docker/ca.pem"), "x".repeat(5000));
    const script = "import shutil,sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[2])";
    const made = await run("python3", ["-c", script, path.join(home, "c"), path.join(home, "in")]);
    if (made.code !== 0) {
      t.skip("no python3 to make a zip");
      return;
    }
    const env = { PATH: process.env["PATH"], HOME: home };
    assert.equal((await run(GANTRY, ["context", "import", "zipped", path.join(home, "c.zip")], { env })).code, 0);
    const shown = await run(
      GANTRY,
      ["context", "inspect", "zipped", "-f", "{{.Endpoints.docker.Host}} {{json .TLSMaterial}}"],
      { env },
    );
    assert.equal(shown.stdout, 'tcp://z:1 {"docker":["ca.pem"]}\n');
  });
});

describe("engines by context", () => {
  let engine: TestEngine;
  let bin: string;
  before(async () => {
    engine = await TestEngine.start();
    bin = path.join(engine.folder, "bin");
    fs.mkdirSync(bin);
    // What ssh does, without the network: the words after the host are a command line for a shell.
    fs.writeFileSync(
      path.join(bin, "ssh"),
      `#!/bin/sh\necho "$@" >>${engine.folder}/ssh.log\nwhile [ "$1" != -- ]; do shift; done\nshift 2\n` +
        `export PATH="$FAR_PATH" DOCKER_HOST=unix://${engine.socket}; unset DOCKER_CONTEXT\nexec /bin/sh -c "$*"\n`,
      { mode: 0o755 },
    );
  });
  after(() => engine.end());

  const call = (
    cli: string,
    home: string,
    words: string[],
    extra: NodeJS.ProcessEnv = {},
    input = "",
  ): Promise<Ran> => {
    const PATH = `${bin}:${process.env["PATH"]}`;
    return run(program(cli), words, {
      env: { PATH, HOME: home, FAR_PATH: `${path.dirname(GANTRY)}:${process.env["PATH"]}`, ...extra },
      input,
    });
  };

  for (const [maker, user] of [
    ["docker", "gantry"],
    ["gantry", "docker"],
  ] as const) {
    it(`made by ${maker}, used by ${user}`, async () => {
      const home = path.join(engine.folder, `by-${maker}`);
      fs.mkdirSync(home);
      const made = await call(maker, home, ["context", "create", "here", "--docker", `host=unix://${engine.socket}`]);
      assert.equal(made.code, 0, made.stderr);
      const words = ["run", "--rm", "busybox", "echo", "reached"];
      assert.equal((await call(user, home, ["-c", "here", ...words])).stdout, "reached\n");
      assert.equal((await call(user, home, words, { DOCKER_CONTEXT: "here" })).stdout, "reached\n");
      assert.equal((await call(maker, home, ["context", "use", "here"])).code, 0);
      assert.equal((await call(user, home, words)).stdout, "reached\n");
      const elsewhere = await call(user, home, words, { DOCKER_HOST: "unix:///nonexistent/x.sock" });
      assert.match(elsewhere.stderr, /nonexistent/);
      assert.equal((await call(user, home, ["context", "rm", "-f", "here"])).code, 0);
      assert.equal((await call(maker, home, ["context", "show"])).stdout, "default\n");
    });
  }

  it("over ssh: streams both ways, the exit code, gantry or docker at the other end", async () => {
    const home = path.join(engine.folder, "ssh");
    fs.mkdirSync(home);
    assert.equal(
      (await call("gantry", home, ["context", "create", "far", "--docker", "host=ssh://me@far.example:2222"])).code,
      0,
    );
    const script = ["run", "-i", "--rm", "busybox", "sh", "-c", "wc -c; exit 5"];
    const ran = await call("gantry", home, ["-c", "far", ...script], {}, "x".repeat(300_000));
    assert.deepEqual([ran.code, ran.stdout], [5, "300000\n"], ran.stderr);
    const log = fs.readFileSync(path.join(engine.folder, "ssh.log"), "utf8");
    assert.match(log, /^-o ConnectTimeout=30 -T -l me -p 2222 -- far\.example sh -c /);
    // Without gantry over there docker's own bridge serves.
    const far = path.join(engine.folder, "far-bin");
    fs.mkdirSync(far);
    const { stdout: docker } = await run("sh", ["-c", "command -v docker"], { env: process.env });
    fs.symlinkSync(docker.trim(), path.join(far, "docker"));
    const FAR_PATH = `${far}:/bin`;
    const byDocker = await call("gantry", home, ["-H", "ssh://far.example", "ps", "-q"], { FAR_PATH });
    assert.deepEqual([byDocker.code, byDocker.stdout], [0, ""], byDocker.stderr);
    // The stock CLI takes gantry's bridge for docker's.
    fs.rmSync(path.join(far, "docker"));
    fs.symlinkSync(GANTRY, path.join(far, "docker"));
    const node = path.dirname(process.execPath);
    const stock = await call(
      "docker",
      home,
      ["-H", "ssh://far.example", ...script],
      { FAR_PATH: `${far}:${node}:/bin:/usr/bin` },
      "y".repeat(1000),
    );
    assert.deepEqual([stock.code, stock.stdout], [5, "1000\n"], stock.stderr);
  });

  it("over ssh: another socket over there; what fails is said", async () => {
    const home = path.join(engine.folder, "ssh2");
    fs.mkdirSync(home);
    const there = await call("gantry", home, [
      "-H",
      `ssh://far${engine.socket}`,
      "version",
      "-f",
      "{{.Server.Version}}",
    ]);
    assert.deepEqual([there.code, there.stdout !== "\n"], [0, true], there.stderr);
    const nobody = await call("gantry", home, ["-H", "ssh://far/nonexistent/x.sock", "ps"]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /Cannot connect to the Gantry daemon at unix:\/\/\/nonexistent\/x\.sock/);
    assert.match(nobody.stderr, /error during connect: .*\nhint: gantry \(or docker\) must be installed on far/);
    const noSsh = await run(GANTRY, ["-H", "ssh://far", "ps"], {
      env: { PATH: `${path.dirname(process.execPath)}:/nonexistent`, HOME: home },
    });
    assert.notEqual(noSsh.code, 0);
    for (const host of ["ssh://-oProxyCommand=x", "ssh://a:secret@b", "ssh://"]) {
      const refused = await call("gantry", home, ["-H", host, "ps"]);
      assert.match(refused.stderr, /unable to parse docker host/, host);
    }
  });
});
