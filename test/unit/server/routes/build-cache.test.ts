import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CacheItem, PruneOptions } from "../../../../src/build/cache-keeper.ts";
import { buildCacheRoutes, cacheRows } from "../../../../src/server/routes/build-cache.ts";
import { callOf } from "../call.ts";

const item = (changes: Partial<CacheItem> = {}): CacheItem => ({
  id: "abc123",
  type: "regular",
  description: "RUN make",
  created: "2026-01-01T00:00:00Z",
  uses: 2,
  bytes: 5,
  parents: ["def456"],
  inUse: false,
  shared: false,
  ...changes,
});

/** What a query asks of the builder. */
async function asked(query: Record<string, string>): Promise<PruneOptions> {
  let options: PruneOptions | undefined;
  const [route] = buildCacheRoutes({
    builder: {
      prune: async (given) => {
        options = given;
        return { deleted: ["k"], bytes: 7 };
      },
    },
    clock: { now: () => Date.UTC(2026, 0, 2) },
    onPruned: (bytes) => assert.equal(bytes, 7),
  });
  const call = callOf({ query: String(new URLSearchParams(query)) });
  call.send = (status, body) => {
    assert.deepEqual([status, body], [200, { CachesDeleted: ["k"], SpaceReclaimed: 7 }]);
  };
  await route!.handler(call);
  return options!;
}

const filtered = (filters: object): Promise<PruneOptions> => asked({ filters: JSON.stringify(filters) });

describe("POST /build/prune", () => {
  it("takes until as a time or a span", async () => {
    assert.equal((await filtered({ until: ["24h"] })).until, Date.UTC(2026, 0, 1));
    assert.equal((await filtered({ "unused-for": ["24h"] })).until, Date.UTC(2026, 0, 1));
    assert.equal((await filtered({ until: ["2026-01-01T00:00:00Z"] })).until, Date.UTC(2026, 0, 1));
  });

  it("takes sizes under their names of all versions", async () => {
    const old = await asked({ all: "1", "keep-storage": "10" });
    assert.deepEqual([old.all, old.reserved], [true, 10]);
    const now = await asked({ "reserved-space": "1", "max-used-space": "2", "min-free-space": "3" });
    assert.deepEqual([now.all, now.reserved, now.most, now.free], [false, 1, 2, 3]);
  });

  const matches: [object, boolean][] = [
    [{}, true],
    [{ id: ["abc"] }, true],
    [{ id: ["bc"] }, false],
    [{ type: ["regular"] }, true],
    [{ type: ["exec.cachemount"] }, false],
    [{ description: ["make"] }, true],
    [{ parents: ["def"] }, true],
    [{ parent: ["abc"] }, false],
    [{ inuse: ["true"] }, false],
    [{ shared: ["false"], private: ["1"] }, true],
    [{ id: ["abc"], private: ["0"] }, false],
  ];
  for (const [filters, matching] of matches) {
    it(`${JSON.stringify(filters)} ${matching ? "matches" : "does not match"} a step`, async () => {
      assert.equal((await filtered(filters)).matches(item()), matching);
    });
  }

  it("refuses filters that it does not know, and two values of one", async () => {
    await assert.rejects(filtered({ nosuch: ["1"] }), /failed to prune build cache: invalid filter 'nosuch'/);
    await assert.rejects(filtered({ id: ["1", "2"] }), /filter 'id' expects only one value/);
  });
});

describe("the rows of system df", () => {
  it("count a layer once, whatever steps name it", () => {
    const rows = cacheRows([
      item({ chainId: "sha256:a" }),
      item({ id: "b", chainId: "sha256:a", lastUsed: "2026-01-03" }),
    ]);
    assert.deepEqual(
      rows.map(({ ID, Shared, LastUsedAt, UsageCount, Parents }) => [ID, Shared, LastUsedAt, UsageCount, Parents]),
      [
        ["abc123", false, null, 2, ["def456"]],
        ["b", true, "2026-01-03", 2, ["def456"]],
      ],
    );
  });
});
