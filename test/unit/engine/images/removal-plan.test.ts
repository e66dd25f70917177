import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { familiarName, parseReference } from "../../../../src/base/reference.ts";
import { isSingleName, planRemoval, type RemovalFacts } from "../../../../src/engine/images/removal-plan.ts";

const ID = `sha256:${"ab".repeat(32)}`;
const DIGEST = `sha256:${"1".repeat(64)}`;
const names = (...texts: string[]): RemovalFacts["names"] => texts.map(parseReference);
const stopped = { id: "c".repeat(64), name: "web", running: false };
const running = { ...stopped, running: true };

function facts(changes: Partial<RemovalFacts>): RemovalFacts {
  return { id: ID, asked: "x", names: [], users: [], children: [], force: false, ...changes };
}
const plan = (changes: Partial<RemovalFacts>): [string[], boolean] => {
  const { untag, remove } = planRemoval(facts(changes));
  return [untag.map(familiarName), remove];
};

describe("what rmi does with an image", () => {
  const tag = parseReference("x:1");

  it("deletes it with its only name", () => {
    assert.deepEqual(plan({ name: tag, names: names("x:1") }), [["x:1"], true]);
    assert.deepEqual(plan({ names: names("x:1") }), [["x:1"], true]);
    assert.deepEqual(plan({}), [[], true]);
  });

  it("takes only the name away while there are others", () => {
    assert.deepEqual(plan({ name: tag, names: names("x:1", "y:1"), users: [running] }), [["x:1"], false]);
  });

  it("takes the repository's digests with its last tag", () => {
    assert.deepEqual(plan({ name: tag, names: names("x:1", `x@${DIGEST}`) }), [["x:1", `x@${DIGEST}`], true]);
    assert.deepEqual(plan({ name: tag, names: names("x:1", "x:2", `x@${DIGEST}`) }), [["x:1"], false]);
    assert.deepEqual(plan({ name: tag, names: names("x:1", `y@${DIGEST}`) }), [["x:1"], false]);
  });

  it("refuses the last name while a container uses the image, unless forced, when the image stays", () => {
    const using = { name: tag, names: names("x:1"), asked: "x:1" };
    assert.throws(() => plan({ ...using, users: [stopped] }), {
      kind: "conflict",
      message: `conflict: unable to remove repository reference "x:1" (must force) - container cccccccccccc is using its referenced image abababababab`,
    });
    assert.deepEqual(plan({ ...using, users: [running], force: true }), [["x:1"], false]);
    assert.deepEqual(plan({ ...using, users: [stopped], force: true }), [["x:1"], true]);
  });

  it("by id refuses several repositories, stopped containers (both forceable), running ones and children (not)", () => {
    const conflict = (how: string, why: string): object => ({
      message: `conflict: unable to delete abababababab (${how}) - ${why}`,
    });
    const many = names("x:1", "y:1");
    assert.throws(
      () => plan({ names: many }),
      conflict("must be forced", "image is referenced in multiple repositories"),
    );
    assert.deepEqual(plan({ names: many, force: true }), [["x:1", "y:1"], true]);
    assert.throws(
      () => plan({ users: [stopped] }),
      conflict("must be forced", "image is being used by stopped container cccccccccccc"),
    );
    assert.deepEqual(plan({ users: [stopped], force: true }), [[], true]);
    for (const force of [false, true]) {
      assert.throws(
        () => plan({ users: [stopped, running], force }),
        conflict("cannot be forced", "image is being used by running container cccccccccccc"),
      );
      assert.throws(
        () => plan({ children: [DIGEST], force }),
        conflict("cannot be forced", "image has dependent child images"),
      );
    }
  });

  it("counts one tag with digests of its repository as one name", () => {
    assert.equal(isSingleName(names()), true);
    assert.equal(isSingleName(names("x:1", `x@${DIGEST}`)), true);
    assert.equal(isSingleName(names(`x@${DIGEST}`)), true);
    assert.equal(isSingleName(names("x:1", "x:2")), false);
    assert.equal(isSingleName(names("x:1", `y@${DIGEST}`)), false);
  });
});
