import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseFlags } from "../../../src/cli/flags.ts";
import { createFlags } from "../../../src/cli/run-options/flags.ts";
import { createRequest } from "../../../src/cli/run-options/request.ts";

/** Each was compared with the body that docker 28.2 sends for the same line. */
const cases = JSON.parse(readFileSync(join(import.meta.dirname, "create-requests.json"), "utf8")) as {
  args: string[];
  request: object;
}[];
const cwd = join(import.meta.dirname, "files");

/** Keys whose empty objects mean something. */
const KEPT = new Set(["ExposedPorts", "Volumes", "EndpointsConfig"]);

/** Leaves out what the engine takes for not given. */
function essential(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length > 0 ? value.map((inner: unknown) => essential(inner) ?? inner) : undefined;
  if (typeof value === "string")
    return value.replaceAll(cwd, "$CWD").replaceAll(import.meta.dirname, "$PARENT") || undefined;
  if (typeof value !== "object" || value === null)
    return value === null || value === false || value === 0 ? undefined : value;
  const entries = Object.entries(value as Record<string, unknown>).flatMap(([key, inner]): [string, unknown][] => {
    const kept: unknown = KEPT.has(key)
      ? Object.fromEntries(
          Object.entries((inner ?? {}) as Record<string, unknown>).map(([k, v]) => [k, essential(v) ?? {}]),
        )
      : essential(inner);
    return kept === undefined || (KEPT.has(key) && Object.keys(kept as object).length === 0) ? [] : [[key, kept]];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

for (const { args, request } of cases) {
  test(`create ${args.join(" ")}`, () => {
    const { values, args: words } = parseFlags(createFlags, args, false);
    const [image = "", ...command] = words;
    const made = createRequest(values, image, command, { env: { FOO: "bar" }, cwd });
    assert.deepEqual(essential(made), request);
  });
}
