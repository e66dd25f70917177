import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FlagError,
  filter,
  flag,
  flagOn,
  integer,
  list,
  map,
  nearest,
  parseFlags,
  text,
} from "../../../src/cli/flags.ts";

const table = {
  all: flag("", "a"),
  env: list("", "e"),
  filter: filter("", "f"),
  interactive: flag("", "i"),
  label: map("", "l"),
  last: integer("", "n"),
  name: text(""),
  publish: list("", "p"),
  rm: flagOn(""),
  tty: flag("", "t"),
};
const parse = (line: string, interspersed = true) => parseFlags(table, line.split(" ").filter(Boolean), interspersed);

test("short switches can be joined, and the last one may take a value", () => {
  const { values, args } = parse("-ite A=1 -p8080:80 img", false);
  assert.equal(values.interactive && values.tty, true);
  assert.deepEqual(values.env, ["A=1"]);
  assert.deepEqual(values.publish, ["8080:80"]);
  assert.deepEqual(args, ["img"]);
});

test("values come after a blank, after =, or at once after a short name", () => {
  for (const line of ["--name x", "--name=x"]) assert.equal(parse(line).values.name, "x");
  for (const line of ["-n 3", "-n3", "-n=3", "--last 3"]) assert.equal(parse(line).values.last, 3);
  assert.equal(parse("--name=").values.name, "");
  assert.equal(parse("--name a=b").values.name, "a=b");
});

test("a switch takes a value only with =", () => {
  assert.equal(parse("--rm=false").values.rm, false);
  assert.equal(parse("--all true").values.all, true);
  assert.deepEqual(parse("--all true").args, ["true"]);
  assert.equal(parse("-a=0").values.all, false);
});

test("the first positional ends the flags where the rest belongs to the container", () => {
  assert.deepEqual(parse("-a img -a --rm=false -- x", false).args, ["img", "-a", "--rm=false", "--", "x"]);
  assert.deepEqual(parse("x -a y").args, ["x", "y"]);
  assert.equal(parse("x -a y").values.all, true);
});

test("-- ends the flags, and - is a positional", () => {
  assert.deepEqual(parse("-- -a").args, ["-a"]);
  assert.deepEqual(parse("- -a").args, ["-"]);
});

test("a negative number is a value, not a flag", () => {
  assert.equal(parse("-n -1").values.last, -1);
});

test("repeated flags gather, maps and filters by key", () => {
  assert.deepEqual(parse("-f a=1 -f a=2 -f B=3").values.filter, { a: ["1", "2"], b: ["3"] });
  assert.deepEqual(parse("-l a=1 -l a=2 -l c").values.label, { a: "2", c: "" });
  assert.deepEqual(parse("").values.env, []);
});

for (const [line, message] of [
  ["--foo", "unknown flag: --foo"],
  ["-aZ", "unknown shorthand flag: 'Z' in -Z"],
  ["--last", "flag needs an argument: --last"],
  ["-n", "flag needs an argument: 'n' in -n"],
  ["--=x", "bad flag syntax: --=x"],
  ["-n x", 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  ["--rm=maybe", 'invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
  ["-f foo", 'invalid argument "foo" for "-f, --filter" flag: bad format of filter (expected name=value)'],
] as const) {
  test(`${line} is refused in docker's words`, () => {
    assert.throws(
      () => parse(line),
      (error) => error instanceof FlagError && error.message === message,
    );
  });
}

test("--help and -h ask for help unless the command has an h of its own", () => {
  assert.equal(parse("--help").help, true);
  assert.equal(parse("-h").help, true);
  assert.equal(parseFlags({ hostname: text("", "h") }, ["-h", "x"], true).help, false);
});

test("names like those of Object's prototype are no flags", () => {
  assert.throws(() => parse("--constructor"), /unknown flag: --constructor/);
});

test("what was probably meant is near, and short words have no near ones", () => {
  assert.equal(nearest("fomat", ["format", "filter"]), "format");
  assert.equal(nearest("pubilsh", ["publish", "publish-all"]), "publish");
  assert.equal(nearest("rum", ["run", "rm"]), "run");
  assert.equal(nearest("zzzzzz", ["format"]), undefined);
  assert.equal(nearest("x", ["a"]), undefined);
});
