import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isGantryError } from "../../../../src/base/errors.ts";
import { compileTemplate } from "../../../../src/base/go-template/index.ts";

/** A row of `docker ps`, as the renderers give it. */
class Row {
  readonly ID = "4fa6";
  private readonly labels = new Map([["tier", "front"]]);

  get Names(): string {
    return "web";
  }

  Label(name: string): string {
    return this.labels.get(name) ?? "";
  }
}

test("functions in the data are methods, with and without arguments", () => {
  const data = {
    ID: "4fa6",
    Names: () => "web",
    Label: (name: string) => `label ${name}`,
    Join: (a: string, b: string) => `${a}+${b}`,
  };
  const render = compileTemplate(
    '{{.ID}} {{.Names}} {{.Label "tier"}} {{"x" | .Join "y"}} {{(.Label "a").Missing | print}}',
  );
  assert.throws(() => render(data), { message: /can't evaluate field Missing in type/ });
  assert.equal(compileTemplate('{{.Names}} {{.Label "tier"}} {{"x" | .Join "y"}}')(data), "web label tier y+x");
});

test("a class's getters and methods can be used, what every object has cannot", () => {
  assert.equal(compileTemplate('{{.ID}} {{.Names}} {{.Label "tier"}}')(new Row()), "4fa6 web front");
  for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
    assert.equal(compileTemplate(`{{.${name}}}`)(new Row()), "<no value>", name);
    assert.equal(compileTemplate(`{{.${name}}}`)({}), "<no value>", name);
    assert.equal(compileTemplate(`[{{index . "${name}"}}]`)({}), "[]", name);
  }
});

test("json of a row calls its methods and sorts its keys", () => {
  const row = { Names: () => "web", ID: "4fa6", Label: (name: string) => name };
  assert.equal(compileTemplate("{{json .}}")(row), '{"ID":"4fa6","Names":"web"}');
});

test("a method's error is told with the method's name", () => {
  const data = {
    Size: () => {
      throw new Error("no size");
    },
  };
  assert.throws(() => compileTemplate("{{.Size}}")(data), {
    code: "BAD_TEMPLATE",
    message: 'template: :1:2: executing "" at <.Size>: error calling Size: no size',
  });
});

test("maps and bigints are data as well", () => {
  const data = new Map<string, unknown>([
    ["b", 2n ** 60n],
    ["a", [1]],
  ]);
  assert.equal(
    compileTemplate('{{.b}} {{index . "b"}} {{len .}} {{.}} {{json .}} {{gt .b 1}}')(data),
    '1152921504606846976 1152921504606846976 2 map[a:[1] b:1152921504606846976] {"a":[1],"b":1152921504606846976} true',
  );
});

test("nesting beyond all reason is an error, not a crash", () => {
  const parens = `{{${"(".repeat(100_000)}1${")".repeat(100_000)}}}`;
  const blocks = `${"{{if true}}".repeat(50_000)}${"{{end}}".repeat(50_000)}`;
  for (const text of [parens, blocks]) {
    assert.throws(() => compileTemplate(text), { code: "BAD_TEMPLATE", message: /max expression depth exceeded/ });
  }
});

test("a template can be run many times, each on its own", () => {
  const render = compileTemplate("{{$x := .a}}{{range $x}}{{$x = .}}{{end}}{{$x}}");
  assert.equal(render({ a: [1, 2] }), "2");
  assert.equal(render({ a: [3] }), "3");
});

const data = { Name: "web", N: 3, F: 1.5, L: ["a", "b"], M: { x: 1, y: null }, S: { A: { B: true } }, Nil: null };
const piece = fc.constantFrom(
  ...'{{|}}|{{- | -}}|.|.Name|.N|.F|.L|.M|.S.A.B|.Nil|.Foo|$|$x| := | = |,| |(|)|"%d"|"a|`b`|\'c\'|1|-2|0x|1e9|nil|true|if |else|end|range |with |define |template |block |break|continue|and |or |not |len |index |slice |print |printf |html |js |urlquery |eq |lt |json |join |split |title |pad |truncate |call |/*|*/|\n|é|\u{1f600}|%|!|\\'.split(
    "|",
  ),
  "|",
  "{{",
  "}}",
);

test("any text either renders or is refused as a bad template", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        assert.equal(typeof compileTemplate(pieces.join(""))(data), "string");
      } catch (error) {
        assert.ok(isGantryError(error, "BAD_TEMPLATE"), String(error));
        assert.match(error.message, /^template: :\d+:/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("any data can be printed, measured and made JSON", () => {
  const render = compileTemplate(
    '{{.}}{{json .}}{{printf "%v %+v %#v %s %d %q %x %5.2f %T" . . . . . . . . .}}{{html .}}{{js .}}{{urlquery .}}{{if .}}{{end}}',
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(typeof render(value), "string");
      assert.deepEqual(JSON.parse(compileTemplate("{{json .}}")(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test("any printf format prints something", () => {
  const verb = fc.constantFrom(..."vTdbotxXqUceEfFgGspzé%".split(""), ..."-+# 0*.123[]".split(""));
  fc.assert(
    fc.property(
      fc.array(verb, { maxLength: 12 }),
      fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
      (verbs, args) => {
        const render = compileTemplate("{{printf (index . 0) (index . 1) (index . 2) (index . 3)}}");
        assert.equal(
          typeof render([`%${verbs.join("")}`, args[0], args[1] ?? 1, args[2] ?? "x"].map((v) => v ?? null)),
          "string",
        );
      },
    ),
    { numRuns: 1000 },
  );
});
