import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { REFERENCE, sdkReference } from "../../scripts/sdk-reference.ts";

test("docs/sdk.md says what the SDK's declarations say (else: npm run docs)", async () => {
  assert.equal(fs.readFileSync(REFERENCE, "utf8"), await sdkReference());
});
