import assert from "node:assert/strict";
import fs from "node:fs";
import type { TestEngine } from "../support/engine.ts";

export interface Inspected {
  Id: string;
  Name: string;
  RestartCount: number;
  State: {
    Status: string;
    Running: boolean;
    Pid: number;
    ExitCode: number;
    StartedAt: string;
    FinishedAt: string;
    Error: string;
    Health?: { Status: string };
  };
}

export async function inspect(engine: TestEngine, name: string): Promise<Inspected> {
  const [found] = JSON.parse(await engine.ok("inspect", name)) as Inspected[];
  assert.ok(found);
  return found;
}

/** Whether the process is there, and no zombie. */
export function lives(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Pids in the container's control group. */
export function groupOf(id: string): number[] {
  const folder = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((root) => fs.existsSync(`${root}/gantry/${id}`));
  if (folder === undefined) return [];
  return fs.readFileSync(`${folder}/gantry/${id}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number);
}

/** The pid of the container's monitor. */
export const monitorOf = (engine: TestEngine, id: string): number =>
  Number(fs.readFileSync(`${engine.execRoot}/bundles/${id}/monitor.pid`, "utf8"));

/** What the engine says of every container is what the kernel says. */
export async function assertTruth(engine: TestEngine): Promise<void> {
  const ids = (await engine.ok("ps", "-aq", "--no-trunc")).split("\n").filter(Boolean);
  for (const id of ids) {
    const { Name, State } = await inspect(engine, id);
    const group = groupOf(id);
    const told = `${Name} is ${State.Status}, pid ${State.Pid}, in its group: ${group}`;
    if (State.Running) {
      assert.equal(lives(State.Pid), true, told);
      assert.equal(group.includes(State.Pid), true, told);
    } else {
      assert.equal(State.Pid, 0, told);
      assert.deepEqual(group, [], told);
      assert.ok(["created", "exited"].includes(State.Status), told);
    }
  }
}

/** Numbers from 0 to 1, the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
