import assert from "node:assert/strict";
import { after, afterEach, before, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { assertTruth, chance } from "./facts.ts";

const CONTAINERS = 4;
const OPERATIONS = 250;
const AT_ONCE = 6;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

type Reply = { status: number; text: string };

const random = chance(Number(process.env["FAULT_SEED"] ?? 3));
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const post = (path: string, body?: object): Promise<Reply> => engine.get(path, "POST", body);

const commands = [
  ["sleep", "1000"],
  ["sleep", "0.1"],
  ["false"],
  ["sh", "-c", 'trap "exit 3" TERM; while :; do sleep 0.02; done'],
];

const operations = (policies: string[]): Record<string, (name: string) => Promise<Reply>> => ({
  create: (name) =>
    post(`/containers/create?name=${name}`, {
      Image: "busybox",
      Cmd: pick(commands),
      Volumes: { "/anonymous": {} },
      HostConfig: { RestartPolicy: { Name: pick(policies) }, NetworkMode: pick(["bridge", "none"]) },
    }),
  start: (name) => post(`/containers/${name}/start`),
  stop: (name) => post(`/containers/${name}/stop?t=0`),
  term: (name) => post(`/containers/${name}/stop?t=1`),
  kill: (name) => post(`/containers/${name}/kill`),
  restart: (name) => post(`/containers/${name}/restart?t=0`),
  pause: (name) => post(`/containers/${name}/pause`),
  unpause: (name) => post(`/containers/${name}/unpause`),
  remove: (name) => engine.get(`/containers/${name}?force=1&v=1`, "DELETE"),
  look: (name) => engine.get(`/containers/${name}/json`),
});

/** Random operations, some at once. Gives those that ended with the engine's fault; a lost connection is none. */
async function storm(count: number, policies: string[]): Promise<string[]> {
  const known = operations(policies);
  // Creates and starts come more often: most operations need something that runs.
  const deck = [...Object.keys(known), "create", "create", "start", "start", "start"];
  const failures: string[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const name = `c${Math.floor(random() * CONTAINERS)}`;
      const what = pick(deck);
      const reply = await known[what]?.(name).catch(() => undefined);
      if (reply && reply.status >= 500) failures.push(`${what} ${name}: ${reply.status} ${reply.text}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failures;
}

afterEach(async () => {
  for (let index = 0; index < CONTAINERS; index++) await engine.get(`/containers/c${index}?force=1&v=1`, "DELETE");
  assert.equal(await engine.ok("ps", "-aq"), "");
  assert.equal(await engine.ok("volume", "ls", "-q"), "");
  assert.doesNotMatch(engine.log, /a bug/);
});

it("any operations at any time, in any order, never meet a bug and never make the engine lie", async () => {
  assert.deepEqual(await storm(OPERATIONS, ["no", "always", "on-failure"]), []);
  for (let index = 0; index < CONTAINERS; index++) {
    await post(`/containers/c${index}/unpause`);
    await post(`/containers/c${index}/stop?t=0`);
  }
  await assertTruth(engine);
});

it("nor do they when the engine is killed in the middle of them", async () => {
  for (let round = 0; round < 5; round++) {
    const storming = storm(40, ["no"]);
    const pause = 100 + random() * 400;
    await new Promise((resolve) => setTimeout(resolve, pause));
    await engine.crash();
    await storming;
    await engine.up();
    await assertTruth(engine);
  }
});
