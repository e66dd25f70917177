import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { archive } from "../support/tar-maker.ts";
import { until } from "../support/until.ts";

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  timeNano: number;
}

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const now = (): string => (Date.now() / 1000).toFixed(9);

/** Events from `since` on until now, through the API: the CLI's JSON rounds the nanoseconds. */
async function history(since: string, filters: Record<string, string[]> = {}): Promise<Event[]> {
  const query = new URLSearchParams({ since, until: now(), filters: JSON.stringify(filters) });
  const { text } = await engine.get(`/v1.51/events?${query}`);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

/** "container die exitCode=0 execDuration image name": attributes by name, the telling ones with their value. */
function words({ Type, Action, Actor }: Event): string {
  const told = ["exitCode", "signal", "oldName", "destination", "read/write", "height", "width", "reclaimed", "type"];
  const attributes = Object.entries(Actor.Attributes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (told.includes(name) ? `${name}=${value}` : name));
  return [Type, Action, ...attributes].join(" ");
}

/** What the commands bring about: names and attributes are those that a dockerd gives, and `exitReason`. */
const OF_A_LIFE = [
  "volume create driver",
  "container create image name team",
  "volume mount container destination=/v driver propagation read/write=true",
  "network connect container name type=bridge",
  "container start image name team",
  "container exec_create: sh -c exit 3 execID image name team",
  "container exec_start: sh -c exit 3 execID image name team",
  "container exec_die execID exitCode=3 image name team",
  "container pause image name team",
  "container unpause image name team",
  "container rename image name oldName=/first team",
  "container top image name team",
  "container resize height=20 image name team width=30",
  "container kill image name signal=10 team",
  "container kill image name signal=15 team",
  "container kill image name signal=9 team",
  "network disconnect container name type=bridge",
  "volume unmount container driver",
  "container die execDuration exitCode=137 exitReason image name team",
  "container stop image name team",
  "container destroy image name team",
  "volume destroy driver",
];

describe("events", () => {
  it("of a container's life, in order and with Docker's attributes", async () => {
    const since = now();
    const run = ["run", "-d", "--name", "first", "--label", "team=x", "-v", "kept:/v", "-t"];
    await engine.ok(...run, "busybox", "sh", "-c", 'trap "" TERM USR1; while :; do sleep 1; done');
    assert.equal((await engine.docker("exec", "first", "sh", "-c", "exit 3")).code, 3);
    await engine.ok("pause", "first");
    await engine.ok("unpause", "first");
    await engine.ok("rename", "first", "second");
    await engine.ok("top", "second");
    await engine.get("/containers/second/resize?h=20&w=30", "POST");
    await engine.get("/containers/second/kill?signal=USR1", "POST");
    await engine.docker("stop", "-t", "1", "second");
    await engine.ok("rm", "second");
    await engine.ok("volume", "rm", "kept");
    assert.deepEqual((await history(since)).map(words), OF_A_LIFE);
  });

  it("of images, with their labels", async () => {
    const since = now();
    const context = archive({ name: "Dockerfile", content: "FROM busybox\nLABEL team=x\n" });
    await engine.get("/build?t=built:1", "POST", context);
    await engine.ok("tag", "built:1", "built:2");
    await engine.ok("rmi", "built:1", "built:2");
    await engine.get("/images/create?fromSrc=-&repo=imported", "POST", archive({ name: "x", content: "1" }));
    const saved = await engine.ok("save", "-o", `${engine.folder}/saved.tar`, "imported");
    assert.equal(saved, "");
    await engine.ok("load", "-i", `${engine.folder}/saved.tar`);
    await engine.ok("rmi", "imported");
    const seen = (await history(since)).map(words);
    assert.deepEqual(seen, [
      "image create name team",
      "image tag name team",
      "image tag name team",
      "image untag name team",
      "image untag name team",
      "image delete name team",
      ...["tag", "import", "save", "load", "untag", "delete"].map((action) => `image ${action} name`),
    ]);
    const old = await engine.get(`/v1.45/events?since=${since}&until=${now()}`);
    assert.doesNotMatch(old.text, /"Action":"create"/, "the event came with 1.46");
  });

  it("of networks, and of every kind of prune", async () => {
    const since = now();
    await engine.ok("network", "create", "net");
    await engine.ok("create", "--name", "pruned", "busybox");
    await engine.ok("volume", "create", "pruned");
    for (const type of ["container", "network", "volume", "image", "builder"]) {
      await engine.ok(type, "prune", "-f", ...(type === "volume" ? ["-a"] : []));
    }
    assert.deepEqual((await history(since)).map(words), [
      "network create name type=bridge",
      "container create image name",
      "volume create driver",
      "container destroy image name",
      "container prune reclaimed=0",
      "network destroy name type=bridge",
      "network prune reclaimed=0",
      "volume destroy driver",
      "volume prune reclaimed=0",
      "image prune reclaimed=0",
      "builder prune reclaimed=0",
    ]);
  });

  it("pass every filter that docker has", async () => {
    const since = now();
    await engine.ok("run", "--rm", "--name", "sieved", "--label", "a=1", "busybox", "true");
    const count = async (filters: Record<string, string[]>): Promise<number> => (await history(since, filters)).length;
    const all = await count({});
    assert.equal(await count({ container: ["sieved"] }), 5);
    assert.equal(await count({ container: ["sieved"], event: ["die", "start"] }), 2);
    assert.equal(await count({ type: ["network"] }), 2);
    assert.equal(await count({ network: ["bridge"] }), 2);
    assert.equal(await count({ image: ["busybox"] }), 5);
    assert.equal(await count({ label: ["a=1"] }), 5);
    assert.equal(await count({ label: ["a=2"] }), 0);
    assert.equal(await count({ scope: ["local"] }), all);
    assert.equal(await count({ scope: ["swarm"] }), 0);
    for (const type of ["volume", "daemon", "plugin", "service", "node", "secret", "config"]) {
      assert.equal(await count({ [type]: ["x"] }), 0, type);
    }
    assert.equal(await count({ colour: ["red"] }), all, "an unknown filter is passed over, as by dockerd");
  });

  it("are still there after a restart and after kill -9, once each and in order", async () => {
    const since = now();
    await engine.ok("volume", "create", "one");
    await engine.down();
    await engine.up();
    await engine.ok("volume", "create", "two");
    // written a moment after it is told: a killed engine loses nothing that is older
    await until(() => fs.readFileSync(`${engine.dataRoot}/events.log`, "utf8").includes('"two"'), {
      what: "the event to be written",
    });
    await engine.crash();
    await engine.up();
    await engine.ok("volume", "create", "three");
    const seen = await history(since, { type: ["volume"] });
    assert.deepEqual(
      seen.map(({ Actor }) => Actor.ID),
      ["one", "two", "three"],
    );
    assert.deepEqual(
      seen.map(({ timeNano }) => timeNano),
      seen.map(({ timeNano }) => timeNano).toSorted(),
    );
    const told = await engine.ok("events", "--since", since, "--until", now(), "--format", "{{.Actor.ID}}");
    assert.deepEqual(told.split("\n"), ["one", "two", "three"]);
    await engine.ok("volume", "rm", "one", "two", "three");
  });
});
