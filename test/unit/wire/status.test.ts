import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, statusOf } from "../../../src/wire/status.ts";

test("a kind and its status lead to one another", () => {
  for (const kind of [
    "notModified",
    "invalid",
    "unauthorized",
    "forbidden",
    "notFound",
    "conflict",
    "internal",
  ] as const) {
    assert.equal(kindOf(statusOf(kind)), kind);
  }
  assert.equal(statusOf("notFound"), 404);
});

test("an unlisted status is the client's or the engine's fault by its class", () => {
  assert.equal(kindOf(418), "invalid");
  assert.equal(kindOf(502), "internal");
});
