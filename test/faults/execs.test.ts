import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { footprint, pingsDuring, sideBySide, zombies } from "./crowd-facts.ts";

/** Ten thousand take minutes: GANTRY_SLOW_TESTS=1 asks for them. */
const EXECS = process.env["GANTRY_SLOW_TESTS"] ? 10_000 : 1000;
const AT_ONCE = 12;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

async function post(path: string, body: object): Promise<string> {
  const { status, text } = await engine.get(path, "POST", body);
  assert.ok(status < 300, `${path}: ${status} ${text}`);
  return text;
}

/** As `docker exec`: create, start, ask for the exit code. */
async function exec(container: string, index: number): Promise<void> {
  const Cmd = ["sh", "-c", `echo ${index}; exit ${index % 7}`];
  const created = await post(`/containers/${container}/exec`, { Cmd, AttachStdout: true });
  const { Id } = JSON.parse(created) as { Id: string };
  const output = await post(`/exec/${Id}/start`, { Detach: false, Tty: false });
  assert.ok(output.endsWith(`${index}\n`), `exec ${index} said ${JSON.stringify(output)}`);
  const { ExitCode } = JSON.parse((await engine.get(`/exec/${Id}/json`)).text) as { ExitCode: number };
  assert.equal(ExitCode, index % 7);
}

describe("thousands of execs", () => {
  it(`${EXECS} of them give their output and exit code, and leave no memory, descriptor or zombie behind`, async (t) => {
    const id = await engine.ok("run", "-d", "busybox", "sleep", "100000");
    // what the first ones take once and for all
    await sideBySide(200, AT_ONCE, (index) => exec(id, index));
    const first = footprint(engine);
    const began = performance.now();
    const pings = await pingsDuring(engine, () => sideBySide(EXECS, AT_ONCE, (index) => exec(id, index)));
    const took = performance.now() - began;
    const last = footprint(engine);
    const facts = `${EXECS} in ${Math.round(took)} ms, ${Math.round(first.rss)} → ${Math.round(last.rss)} MB, ${first.fds} → ${last.fds} descriptors, _ping at most ${Math.round(pings.at(-1) ?? 0)} ms`;
    t.diagnostic(facts);
    assert.ok(last.rss < first.rss + 40, facts);
    await until(() => footprint(engine).fds <= first.fds + 4, { what: "descriptors to be closed" });
    await until(() => zombies(engine).length === 0, { what: "zombies to be reaped" });
    const { stdout } = await engine.docker("exec", id, "ps");
    assert.equal(stdout.split("\n").filter((line) => / Z | sh -c/.test(line)).length, 0, stdout);
    await engine.ok("rm", "-f", id);
  });
});
