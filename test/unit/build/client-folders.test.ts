import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import type { ListedEntry } from "../../../src/base/build-session.ts";
import { fetchFolder } from "../../../src/build/client-folders.ts";

type Host = Parameters<typeof fetchFolder>[0];

/** What the engine makes of a client's words: the entries, or its error. */
async function heard(words: string): Promise<{ entries: readonly ListedEntry[]; released: boolean }> {
  let entries: readonly ListedEntry[] = [];
  let released = false;
  const kept = {
    root: "/kept",
    update: async (given: readonly ListedEntry[]) => ((entries = given), []),
    release: async () => void (released = true),
  };
  const connection = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  connection.push(words);
  connection.push(null);
  const host = { contexts: { open: async () => kept }, archive: { extract: async () => ({}) } } as unknown as Host;
  const session = { open: async () => connection } as never;
  try {
    await fetchFolder(host, { session }, { name: "", key: "k" }, new AbortController().signal);
  } catch (error) {
    assert.ok(released, "what was opened is released");
    throw error;
  }
  return { entries, released };
}

describe("a client's list of its folder", () => {
  it("is taken as it is: names are compared, never opened", async () => {
    const { entries, released } = await heard('["../x","f1"]\n["/etc","d"]\n["a","f1"]\n["a","f2"]\n[]\n');
    assert.deepEqual(entries, [
      ["../x", "f1"],
      ["/etc", "d"],
      ["a", "f1"],
      ["a", "f2"],
    ]);
    assert.equal(released, false);
  });

  for (const [words, why] of [
    ["nonsense\n", /no JSON/],
    ["null\n", /no list/],
    ["{}\n", /no list/],
    ['["a"]\n', /no name with a stamp/],
    ['[1,"f"]\n', /no name with a stamp/],
    ['["a","f"]\n', /ended early/],
  ] as const) {
    it(`that is ${JSON.stringify(words)} is refused`, () =>
      assert.rejects(heard(words), { code: "BAD_CONTEXT", message: why }));
  }
});
