import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { ABSENT, FORGOTTEN, NOT_OFFERED, OWN_FIELDS, Swagger, WITHOUT_SPEC } from "../support/swagger.ts";

const FILE = path.resolve(import.meta.dirname, "../../docs/api.md");

const code = (operations: string[]): string => operations.map((one) => `\`${one}\``).join(", ") || "-";

/** Which operations of the Swagger file are served, by group. */
function coverage(swagger: Swagger): string {
  const groups = new Map<string, string[]>();
  for (const { method, path: target, operation } of swagger.operations()) {
    const tag = operation.tags?.[0] ?? "";
    groups.set(tag, [...(groups.get(tag) ?? []), `${method.toUpperCase()} ${target}`]);
  }
  const rows = [...groups].map(([tag, names]) => {
    const offered = names.filter((name) => !NOT_OFFERED.includes(name));
    const served = offered.filter((name) => !ABSENT.test(name));
    return `| ${tag} | ${served.length} of ${names.length} | ${code(offered.filter((name) => ABSENT.test(name)))} | ${code(names.filter((name) => NOT_OFFERED.includes(name)))} |`;
  });
  return [
    "| group | served | answered as by a dockerd that has none | 501 |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

it("docs/api.md says what the conformance test holds", { skip: WITHOUT_SPEC }, () => {
  const text = fs.readFileSync(FILE, "utf8");
  const table = coverage(new Swagger());
  const [begin, end] = ["<!-- coverage -->\n", "\n<!-- end of coverage -->"];
  const at = text.indexOf(begin) + begin.length;
  if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(FILE, text.slice(0, at) + table + text.slice(text.indexOf(end)));
  else assert.equal(text.slice(at, text.indexOf(end)), table, "UPDATE_GOLDEN=1 writes the table anew");
  for (const one of [...FORGOTTEN, ...OWN_FIELDS]) assert.ok(text.includes(`\`${one}\``), `${one} is not told`);
});
