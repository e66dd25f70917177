import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import Ajv from "ajv-draft-04";
import { encodeSpec, planSpec } from "../../src/engine/containers/spec/plan.ts";
import type { SpecFacts } from "../../src/engine/containers/spec/facts.ts";
import { CASES } from "./oci-spec/cases.ts";

/**
 * Run options → config.json. Each file in oci-spec/ is what one case in cases.ts gives; `UPDATE_GOLDEN=1` writes them
 * anew. The default seccomp filter, which has a test of its own, is shown as its length.
 */
const folder = fileURLToPath(new URL("./oci-spec/", import.meta.url));
const schemas = fileURLToPath(new URL("../../../shared/spec/oci-runtime/", import.meta.url));

function validator(): (spec: unknown) => string {
  const ajv = new Ajv.default({ strict: false, logger: false });
  const read = (name: string) => JSON.parse(fs.readFileSync(path.join(schemas, name), "utf8"));
  const definitions = read("defs-linux.json");
  // runtimes take the recursive forms too, and those are what is wanted
  definitions.definitions.RootfsPropagation.enum.push("rslave");
  ajv.addSchema(definitions, "defs-linux.json");
  for (const name of ["defs.json", "config-linux.json"]) ajv.addSchema(read(name), name);
  const schema = read("config-schema.json");
  // the other systems' parts are not in use
  for (const other of ["freebsd", "solaris", "windows", "vm", "zos"]) delete schema.properties[other];
  const validate = ajv.compile(schema);
  return (spec) => (validate(spec) ? "" : ajv.errorsText(validate.errors));
}

function shown(facts: SpecFacts): string {
  const spec = JSON.parse(encodeSpec(planSpec(facts)), (_key, value: unknown) => value) as {
    linux: { seccomp?: { syscalls: unknown[] } };
  };
  const { seccomp } = spec.linux;
  if (seccomp && seccomp.syscalls.length > 10) seccomp.syscalls = [`${seccomp.syscalls.length} rules`];
  return `${JSON.stringify(spec, null, 2)}\n`;
}

describe("config.json", () => {
  const check = fs.existsSync(schemas) ? validator() : undefined;

  for (const [name, facts] of Object.entries(CASES)) {
    it(`is as recorded, and valid by the OCI schema: ${name}`, () => {
      const file = path.join(folder, `${name}.json`);
      const text = shown(facts);
      if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(file, text);
      assert.equal(text, fs.readFileSync(file, "utf8"));
      assert.equal(check?.(JSON.parse(encodeSpec(planSpec(facts)))) ?? "", "");
    });
  }

  it("has a case for each recorded file", () => {
    const files = fs.readdirSync(folder).filter((file) => file.endsWith(".json"));
    assert.deepEqual(files.map((file) => file.slice(0, -".json".length)).toSorted(), Object.keys(CASES).toSorted());
  });

  it("writes an unlimited limit as the exact number, and leaves text that looks like one alone", () => {
    const facts = CASES["limits"] as SpecFacts;
    const trap = '"soft":18446744073709552000';
    const text = encodeSpec(planSpec({ ...facts, config: { ...facts.config, Env: [`TRAP=${trap}`] } }));
    assert.ok(text.includes('"soft":18446744073709551615,"hard":18446744073709551615'));
    assert.ok(JSON.parse(text).process.env.includes(`TRAP=${trap}`));
  });

  it("takes well under a millisecond to make", () => {
    const facts = CASES["plain"] as SpecFacts;
    const times = Array.from({ length: 200 }, () => {
      const before = performance.now();
      encodeSpec(planSpec(facts));
      return performance.now() - before;
    }).toSorted((a, b) => a - b);
    assert.ok((times[100] ?? 9) < 1, `${times[100]} ms`);
  });
});
