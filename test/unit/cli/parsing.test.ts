import assert from "node:assert/strict";
import { test } from "node:test";
import { planCopy, placeOf } from "../../../src/cli/copying/plan.ts";
import { apiTime } from "../../../src/cli/moments.ts";
import { portsOf } from "../../../src/cli/run-options/ports.ts";
import { deviceOf, restartOf, ulimitOf } from "../../../src/cli/run-options/resources.ts";
import { mountOf, volumesOf } from "../../../src/cli/run-options/volumes.ts";
import { capabilitiesOf } from "../../../src/cli/run-options/security.ts";
import { csvFields } from "../../../src/cli/run-options/key-values.ts";
import { DetachKeys, parseDetachKeys } from "../../../src/cli/terminal/detach-keys.ts";

test("detach keys are found across reads, and what only began like them is passed on", () => {
  const keys = new DetachKeys(parseDetachKeys("ctrl-p,ctrl-q"));
  const feed = (text: string): string => {
    const { pass, detached } = keys.feed(Buffer.from(text));
    return pass.toString() + (detached ? "!" : "");
  };
  assert.equal(feed("ab"), "ab");
  assert.equal(feed("\u0010"), "");
  assert.equal(feed("x"), "\u0010x");
  assert.equal(feed("\u0010\u0010"), "\u0010");
  assert.equal(feed("\u0011"), "!");
});

test("detach keys by name", () => {
  assert.deepEqual(parseDetachKeys("ctrl-a,d,ctrl-@,ctrl-["), [1, 100, 0, 27]);
  assert.throws(() => parseDetachKeys("foo"), /Unknown character: 'foo'/);
});

test("moments are seconds, RFC 3339 or a span before now", () => {
  assert.equal(apiTime("1700000000", 0), "1700000000.000000000");
  assert.equal(apiTime("1700000000.5", 0), "1700000000.500000000");
  assert.equal(apiTime("10m", 1_000_000_500), "999400.500000000");
  assert.equal(apiTime("2023-01-02T03:04:05.123456789Z", 0), "1672628645.123456789");
  assert.equal(apiTime("2023-01-02T03:04:05+01:00", 0), "1672625045.000000000");
  assert.throws(() => apiTime("foo", 0), /failed to parse value as time or duration: "foo"/);
});

for (const [spec, message] of [
  ["99999:1", "invalid hostPort: 99999"],
  ["x:1", "invalid hostPort: x"],
  ["1:x", "invalid containerPort: x"],
  ["1-2:3-9", "invalid ranges specified for container and host Ports: 3-9 and 1-2"],
  ["1.2.3:1:2", "invalid IP address: 1.2.3"],
  ["80/foo", "invalid proto: foo"],
] as const) {
  test(`-p ${spec} is refused in docker's words`, () => assert.throws(() => portsOf([spec], []), { message }));
}

for (const [spec, message] of [
  ["foo", "invalid field 'foo' must be a key=value pair"],
  ["type=foo", "target is required"],
  ["type=bind,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"],
  ["dst=/x,foo=bar", "unexpected key 'foo' in 'foo=bar'"],
  ["dst=/x,ro=maybe", "invalid value for ro: maybe"],
] as const) {
  test(`--mount ${spec} is refused in docker's words`, () => assert.throws(() => mountOf(spec), { message }));
}

test("an empty part of a volume is refused", () => {
  assert.throws(() => volumesOf([":/a"], "/"), /empty section between colons/);
  assert.throws(() => volumesOf([""], "/"), /invalid empty volume spec/);
});

test("limits, devices and policies that can't be", () => {
  assert.throws(() => ulimitOf("foo=1"), { message: "invalid ulimit type: foo" });
  assert.throws(() => ulimitOf("nofile=5:1"), /soft limit must be less than or equal to hard limit: 5 > 1/);
  assert.throws(() => deviceOf("foo"), { message: "foo is not an absolute path" });
  assert.throws(() => restartOf("on-failure:x"), /maximum retry count must be an integer/);
  assert.throws(() => restartOf(":1"), /no policy provided before colon/);
});

test("quoted fields keep their commas", () => {
  assert.deepEqual(csvFields('a,"b=c,d""e",f'), ["a", 'b=c,d"e', "f"]);
  assert.throws(() => csvFields('a"b'), /bare/);
});

test("ALL swallows the other capabilities, and what is added is not dropped", () => {
  assert.deepEqual(capabilitiesOf(["net_admin", "CAP_CHOWN"], ["ALL"]), {
    CapAdd: ["CAP_CHOWN", "CAP_NET_ADMIN"],
    CapDrop: ["ALL"],
  });
  assert.deepEqual(capabilitiesOf(["all", "kill"], ["KILL", "ALL"]), { CapAdd: ["ALL"], CapDrop: null });
  assert.deepEqual(capabilitiesOf([], []), { CapAdd: null, CapDrop: null });
});

test("a place is a container's only with a name before the colon", () => {
  assert.deepEqual(placeOf("web:/etc"), { container: "web", path: "/etc" });
  assert.deepEqual(placeOf("./a:b"), { path: "./a:b" });
  assert.deepEqual(placeOf("/a:b"), { path: "/a:b" });
});

test("a copy lands as cp -a's would", () => {
  const folder = { path: "/src/d", isFolder: true };
  const file = { path: "/src/f", isFolder: false };
  const there = (path: string, isFolder: boolean) => ({ path, exists: true, isFolder });
  const missing = (path: string) => ({ path, exists: false, isFolder: false });
  assert.deepEqual(planCopy(folder, there("/t", true)), { folder: "/t", name: "d" });
  assert.deepEqual(planCopy({ ...folder, path: "/src/d/." }, there("/t", true)), { folder: "/t" });
  assert.deepEqual(planCopy(folder, missing("/t/new")), { folder: "/t", name: "new" });
  assert.deepEqual(planCopy(file, missing("/t/new")), { folder: "/t", name: "new" });
  assert.deepEqual(planCopy(file, there("/t/old", false)), { folder: "/t", name: "old" });
  assert.throws(() => planCopy(folder, there("/t/old", false)), { message: "cannot copy directory" });
  assert.throws(() => planCopy(file, missing("/t/new/")), { message: "no such directory" });
});
