import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expandHeredoc, expandWord, expandWords } from "../../../src/build/expand.ts";

const variables: Record<string, string> = {
  foo: "bar",
  empty: "",
  two: "a b",
  path: "/usr/local/lib/foo.tar.gz",
  star: "*b*",
  suffix: "gz",
  grün: "ja",
};
const lookup = (name: string): string | undefined => (Object.hasOwn(variables, name) ? variables[name] : undefined);

const cases: [string, string][] = [
  ["$foo", "bar"],
  ["${foo}baz", "barbaz"],
  ["$none", ""],
  ["$foo-$foo", "bar-bar"],
  ["${none:-x$foo}", "xbar"],
  ["${empty-d}", ""],
  ["${empty:-d}", "d"],
  ["${foo:+y}", "y"],
  ["${none+y}x", "x"],
  ["${none:-${empty:-deep}}", "deep"],
  ["${foo:?message}", "bar"],
  ["\\$foo", "$foo"],
  ["'$foo'", "$foo"],
  ['"$foo \\" \'"', "bar \" '"],
  ["a b  c", "a b  c"],
  ["${path##*/}", "foo.tar.gz"],
  ["${path#*/}", "usr/local/lib/foo.tar.gz"],
  ["${path%.*}", "/usr/local/lib/foo.tar"],
  ["${path%%.*}", "/usr/local/lib/foo"],
  ["${path/lo/LO}", "/usr/LOcal/lib/foo.tar.gz"],
  ["${path//o/0}", "/usr/l0cal/lib/f00.tar.gz"],
  ["${path//[lr]/-}", "/usr/local/lib/foo.tar.gz"],
  ["${path//l?/_}", "/usr/_ca__b/foo.tar.gz"],
  ["${path//\\//-}", "-usr-local-lib-foo.tar.gz"],
  ["${path/o*l/0}", "/usr/l0ib/foo.tar.gz"],
  ["${path//*/x}", "x"],
  ["${none//*/x}", "x"],
  ["${star#\\*}", "b*"],
  ["${star%\\*}", "*b"],
  ["${path#'/usr'/}", "local/lib/foo.tar.gz"],
  ["${path%.${suffix}}", "/usr/local/lib/foo.tar"],
  ["${foo:#b}", "ar"],
  ["$foo$1$10$@", "bar"],
  ["${none:-'$foo'}", "$foo"],
  ['${none:-"a } b"}', "a } b"],
  ["${none:-a\\}b}", "a}b"],
  ["${grün}$ünd", "ja"],
  ["${path/nothing/x}", "/usr/local/lib/foo.tar.gz"],
  ["${path/foo/$foo}", "/usr/local/lib/bar.tar.gz"],
  ["100%$", "100%$"],
  ["C:\\\\dir", "C:\\dir"],
];

describe("variables in a Dockerfile", () => {
  for (const [text, expected] of cases) {
    it(`${text} becomes ${expected || "nothing"}`, () => assert.equal(expandWord(text, lookup), expected));
  }

  const refused: [string, string][] = [
    ["${none:?say why}", "none: say why"],
    ["${none?}", "none: is not allowed to be unset"],
    ["${empty:?}", "empty: is not allowed to be empty"],
    ["${foo", "syntax error: missing '}'"],
    ["${foo:-x", "syntax error: missing '}'"],
    ["${}", "syntax error: bad substitution"],
    ["${:x}", "syntax error: bad substitution"],
    ["${", "syntax error: missing '}'"],
    ["${foo/x}", "syntax error: missing '/' in ${}"],
    ["${foo#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'"],
    ["${foo:/x/y}", "unsupported modifier (:/) in substitution"],
    ["${foo:=x}", "unsupported modifier (:=) in substitution"],
    ['"open', "unexpected end of statement while looking for matching double-quote"],
    ["'open", "unexpected end of statement while looking for matching single-quote"],
  ];
  for (const [text, message] of refused) {
    it(`${text} is refused: ${message}`, () => assert.throws(() => expandWord(text, lookup), { message }));
  }

  it("split words where an unquoted value has blanks, and only there", () => {
    assert.deepEqual(expandWords('80 $two "$two" 8${none}0/tcp $none', lookup), ["80", "a", "b", "a b", "80/tcp"]);
  });

  it("in a here-document leave quotes alone", () => {
    assert.equal(expandHeredoc("\"$foo\" '$foo' \\$foo \\\\ \\\n", lookup), "\"bar\" 'bar' $foo \\ \n");
  });

  it("take the other escape character where the directive says so", () => {
    assert.equal(expandWord("C:\\$foo `$foo", lookup, "`"), "C:\\bar $foo");
  });

  it("take no longer for a hostile pattern than for a plain one", () => {
    const value = "a".repeat(20_000);
    const pattern = `${"*a".repeat(20)}b`;
    assert.equal(
      expandWord(`\${v//${pattern}/x}\${v##${pattern}}\${v%%${pattern}}`, () => value),
      value.repeat(3),
    );
  });

  it("refuse to be nested without end", () => {
    assert.throws(() => expandWord("${x:-".repeat(100_000), () => undefined), {
      name: "ExpansionError",
      message: /nested/,
    });
  });
});
