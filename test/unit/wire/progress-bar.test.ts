import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { progressBar } from "../../../src/wire/progress-bar.ts";

describe("the bar in a progress line", () => {
  it("is Docker's", () => {
    assert.equal(
      progressBar({ current: 1_200_000, total: 3_400_000 }),
      `[${"=".repeat(17)}>${" ".repeat(33)}]    1.2MB/3.4MB`,
    );
    assert.equal(progressBar({ current: 100, total: 100 }), `[${"=".repeat(50)}>]     100B/100B`);
    assert.equal(progressBar({ current: 20, total: 10 }), `[${"=".repeat(50)}>]      20B`);
    assert.equal(progressBar({ current: 512, total: 0 }), "    512B");
    assert.equal(progressBar({}), "");
    assert.equal(progressBar(undefined), "");
  });
});
