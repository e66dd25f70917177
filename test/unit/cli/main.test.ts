import assert from "node:assert/strict";
import { test } from "node:test";
import { entries } from "../../../src/cli/commands.ts";
import { main } from "../../../src/cli/main.ts";

async function gantry(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const status = await main(argv, {
    out: { isTTY: false, write: (data) => void (out += String(data)) },
    err: { isTTY: false, write: (data) => void (err += String(data)) },
    env: { GANTRY_HOST: "unix:///nonexistent/engine.sock" },
    cwd: "/",
    rawTerminal: async () => () => {},
    programs: () => Promise.reject(new Error("no programs here")),
  });
  return { status, out, err };
}

test("an unknown flag is docker's words, its 125, and what was meant", async () => {
  const { status, out, err } = await gantry("ps", "--fromat", "x");
  assert.deepEqual([status, out], [125, ""]);
  assert.equal(
    err,
    "unknown flag: --fromat\n\nUsage:  gantry ps [OPTIONS]\n\nRun 'gantry ps --help' for more information\nhint: did you mean --format?\n",
  );
});

test("an unknown command names the nearest", async () => {
  const { status, err } = await gantry("rum");
  assert.equal(status, 1);
  assert.equal(
    err,
    "gantry: unknown command: gantry rum\n\nRun 'gantry --help' for more information\nhint: did you mean 'gantry run'?\n",
  );
  assert.match(
    (await gantry("image", "prun")).err,
    /unknown command: gantry image prun\n[^]*did you mean 'gantry image prune'/,
  );
});

test("too few and too many arguments are said in docker's words", async () => {
  assert.equal(
    (await gantry("rm")).err,
    "gantry: 'gantry rm' requires at least 1 argument\n\nUsage:  gantry rm [OPTIONS] CONTAINER [CONTAINER...]\n\nSee 'gantry rm --help' for more information\n",
  );
  assert.match((await gantry("container", "ls", "a")).err, /^gantry: 'gantry container ls' accepts no arguments\n/);
  assert.match((await gantry("tag", "a")).err, /^gantry: 'gantry tag' requires 2 arguments\n/);
});

test("without an engine every command says how to start one", async () => {
  const { status, err } = await gantry("ps");
  assert.equal(status, 1);
  assert.match(
    err,
    /^Cannot connect to the Gantry daemon at unix:\/\/\/nonexistent\/engine.sock.*\nhint: start one with: gantryd &/,
  );
  assert.equal((await gantry("run", "x")).status, 125);
});

test("run's own mistakes are 125 whatever their words", async () => {
  const { status, err } = await gantry("run", "--env-file", "nofile", "x");
  assert.equal(status, 125);
  assert.equal(err, "gantry: open nofile: no such file or directory\n\nRun 'gantry run --help' for more information\n");
  assert.match((await gantry("run", "--gpus", "many", "x")).err, /invalid count \(many\)/);
});

test("each command loads, and its help names all the ways to call it", async () => {
  for (const { names } of entries) {
    for (const name of names) {
      const { status, out } = await gantry(...name.split(" "), "--help");
      assert.equal(status, 0, name);
      assert.ok(out.startsWith(`Usage:  gantry ${name}`), name);
      if (names.length > 1)
        assert.ok(
          names.every((other) => out.includes(`gantry ${other}`)),
          name,
        );
    }
  }
});

test("completion knows what every command's arguments name", async () => {
  const own = new Set(["login", "logout", "load", "rename", "network create", "volume create"]);
  for (const { names, load } of entries) {
    const { args, completes } = (await load()).default;
    if (args.max > 0 && !own.has(names[0]!)) assert.ok(completes?.length, names[0]);
  }
});

test("no two commands share a name", () => {
  const names = entries.flatMap((entry) => entry.names);
  assert.equal(new Set(names).size, names.length);
});

test("help and groups", async () => {
  assert.match((await gantry()).out, /^Usage: {2}gantry \[OPTIONS\] COMMAND\n/);
  assert.match((await gantry("image")).out, /\n {2}bootstrap {3}Make a base image/);
  assert.match((await gantry("help", "run")).out, /^Usage: {2}gantry run/);
  assert.match((await gantry("--version")).out, /^Gantry version \d/);
});

test("every flag that a help's group names is there, and all of them are told once", async () => {
  for (const name of ["run", "create"]) {
    const { groups = {}, flags } = (await entries.find(({ names }) => names[0] === name)!.load()).default;
    const grouped = Object.values(groups).flat();
    assert.deepEqual(
      grouped.filter((flag) => !Object.hasOwn(flags, flag)),
      [],
    );
    const told = [...(await gantry(name, "--help")).out.matchAll(/^ {2}(?:-\S, | {4})--([\w-]+)/gm)].map(
      ([, flag]) => flag!,
    );
    const shown = Object.keys(flags).filter((flag) => flags[flag].hidden !== true);
    assert.deepEqual(told.toSorted(), [...shown, "help"].toSorted());
  }
});
