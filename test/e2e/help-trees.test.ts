import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { main } from "../../src/cli/main.ts";
import { run } from "../support/engine.ts";
import { type Help, parseHelp } from "../support/help-tree.ts";

/** What the help of docker 28 says, command by command; made anew by UPDATE_GOLDEN=1 where there is one. */
const GOLDEN = path.join(import.meta.dirname, "../golden/cli/docker-28-help.json");

/** Not for one engine: swarms of them, signatures, plugins of the client's and of the engine's. */
const OTHER = new Set("config manifest node plugin secret service stack swarm trust buildx compose".split(" "));

const CLUSTER = "a volume of a swarm's cluster: there is no swarm";
const HOME = "a home folder is not written out";
/** One command by three names. */
const BUILDS = ["build", "builder build", "image build"];
/** The golden help is the classic builder's; docker's plugin for BuildKit has most of these too. */
const BUILD_FLAGS: [flags: string, reason: string][] = [
  [
    "annotation attest build-context cache-to check load metadata-file no-cache-filter output progress provenance push sbom secret ssh",
    "as docker buildx has it",
  ],
  ["format", "Gantry's own: what --check says as JSON"],
  ["shell-on-fail", "Gantry's own: a shell in what a RUN that failed left"],
  ["watch", "Gantry's own: builds again when files change"],
  ["why", "Gantry's own: why a step was not in the cache"],
];
/** Where gantry's help differs, and why. */
const REASONS: Record<string, string> = {
  ": summary": "another program",
  ": --config": HOME,
  ": --tlscacert": HOME,
  ": --tlscert": HOME,
  ": --tlskey": HOME,
  "version: summary": "the version is not Docker's",
  "system: summary": "it is not Docker that is managed",
  "system df: summary": "it is not Docker's disk usage",
  "inspect: summary": "says what these objects are",
  "commit: more --no-pause": "as later Docker CLIs name it",
  "container commit: more --no-pause": "as later Docker CLIs name it",
  ": more explain": "Gantry's own: what an object is in the kernel",
  ": more completion": "docker's has it too, hidden from its help",
  "network: more shape": "Gantry's own: a network made slow, narrow or lossy",
  "image: more bootstrap": "Gantry's own: a first image without a registry",
  ": more snapshot": "Gantry's own: a container's files and volumes as they were",
  ...Object.fromEntries(
    BUILD_FLAGS.flatMap(([flags, reason]) =>
      flags.split(" ").flatMap((flag) => BUILDS.map((name) => [`${name}: more --${flag}`, reason])),
    ),
  ),
  ...Object.fromEntries(BUILDS.map((name) => [`${name}: --cache-from`, "commas part a cache's options, as in buildx"])),
  ...Object.fromEntries(
    ["max-used-space", "min-free-space", "reserved-space"].map((flag) => [
      `builder prune: more --${flag}`,
      "as docker buildx prune has it; API 1.48",
    ]),
  ),
  ...Object.fromEntries(
    [
      ": more clone",
      ": more export",
      ": more import",
      ": more rename",
      " inspect: more --size",
      " ls: more --size",
    ].map((name) => [`volume${name}`, "Gantry's own: what one does with whole volumes"]),
  ),
  "volume ls: no --cluster": CLUSTER,
  "volume: no update": CLUSTER,
  ...Object.fromEntries(
    "availability group limit-bytes required-bytes scope secret sharing topology-preferred topology-required type"
      .split(" ")
      .map((name) => [`volume create: no --${name}`, CLUSTER]),
  ),
};

type Tree = Record<
  string,
  Omit<Help, "flags"> & { flags: Record<string, Help["flags"] extends Map<string, infer F> ? F : never> }
>;

async function walk(program: string, help: (words: string[]) => Promise<string>): Promise<Tree> {
  const tree: Tree = {};
  const visit = async (words: string[]): Promise<void> => {
    const found = parseHelp(await help(words), program);
    const commands = found.commands.filter((name) => words.length > 0 || !OTHER.has(name));
    tree[words.join(" ")] = { ...found, commands, flags: Object.fromEntries(found.flags) };
    await Promise.all(commands.map((name) => visit([...words, name])));
  };
  await visit([]);
  return Object.fromEntries(Object.entries(tree).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const dockerTree = (): Promise<Tree> =>
  walk("docker", async (words) => {
    const env = { PATH: process.env["PATH"], HOME: "/root", DOCKER_HOST: "unix:///nonexistent/docker.sock" };
    const ran = await run("docker", [...words, "--help"], { env });
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  });

const gantryTree = (): Promise<Tree> =>
  walk("gantry", async (words) => {
    let out = "";
    const status = await main([...words, "--help"], {
      out: { isTTY: false, write: (data) => void (out += String(data)) },
      err: { isTTY: false, write: () => {} },
      env: {},
      cwd: "/",
      rawTerminal: async () => () => {},
      programs: () => Promise.reject(new Error("no programs here")),
    });
    assert.equal(status, 0, words.join(" "));
    return out;
  });

function* differences(docker: Tree, gantry: Tree): Generator<string> {
  for (const [name, theirs] of Object.entries(docker)) {
    const ours = gantry[name];
    if (ours === undefined) {
      const [group, verb] = name.split(" ");
      yield verb === undefined ? `: no ${group}` : `${group}: no ${verb}`;
      continue;
    }
    if (ours.usage !== theirs.usage) yield `${name}: usage`;
    if (ours.summary !== theirs.summary) yield `${name}: summary`;
    if (ours.aliases.toSorted().join() !== theirs.aliases.toSorted().join()) yield `${name}: aliases`;
    for (const [flag, { short, word, shown }] of Object.entries(theirs.flags)) {
      const own = ours.flags[flag];
      if (own === undefined) yield `${name}: no --${flag}`;
      else if (own.short !== short || own.word !== word || own.shown !== shown) yield `${name}: --${flag}`;
    }
    for (const flag of Object.keys(ours.flags)) if (theirs.flags[flag] === undefined) yield `${name}: more --${flag}`;
    for (const command of ours.commands) if (!theirs.commands.includes(command)) yield `${name}: more ${command}`;
  }
}

test("gantry has docker 28's commands and flags, or says why not", async () => {
  const docker = JSON.parse(fs.readFileSync(GOLDEN, "utf8")) as Tree;
  assert.ok(Object.keys(docker).length > 100);
  const found = [...differences(docker, await gantryTree())];
  assert.deepEqual(
    found.filter((one) => REASONS[one] === undefined),
    [],
    "differences without a reason",
  );
  assert.deepEqual(
    Object.keys(REASONS).filter((one) => !found.includes(one)),
    [],
    "reasons without a difference",
  );
});

test("what is known of docker 28's help is what it says", async (t) => {
  const { stdout } = await run("docker", ["--version"], { env: process.env });
  if (!stdout.includes("version 28.")) {
    t.skip("the docker CLI here is not 28's");
    return;
  }
  const live = await dockerTree();
  if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(GOLDEN, `${JSON.stringify(live, undefined, 1)}\n`);
  assert.deepEqual(live, JSON.parse(fs.readFileSync(GOLDEN, "utf8")));
});
