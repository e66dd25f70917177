import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { cliReference, REFERENCE } from "../../scripts/cli-reference.ts";

test("docs/cli.md says what the commands say (else: node --import tsx scripts/cli-reference.ts)", async () => {
  assert.equal(fs.readFileSync(REFERENCE, "utf8"), await cliReference());
});
