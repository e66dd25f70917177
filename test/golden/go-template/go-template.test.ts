import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileTemplate, type TemplateOptions } from "../../../src/base/go-template/index.ts";

interface Case {
  template: string;
  data: unknown;
  options?: TemplateOptions;
  output?: string;
  error?: string;
}

const cases = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8")) as Case[];

const render = ({ template, options, data }: Case): string => compileTemplate(template, options)(data);

for (const item of cases) {
  test(`${item.template} ${item.error === undefined ? "prints" : "fails"} as Go does`, () => {
    if (item.error === undefined) assert.equal(render(item), item.output);
    else assert.throws(() => render(item), { kind: "invalid", code: "BAD_TEMPLATE", message: item.error });
  });
}
