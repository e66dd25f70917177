import fs from "node:fs";
import type { TestEngine } from "../support/engine.ts";

/** Zombies that wait for the engine; those of process 1 are its own affair. */
export const zombies = (engine: TestEngine): string[] =>
  fs.readdirSync("/proc").filter((name) => {
    try {
      const [state, parent] = fs
        .readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return state === "Z" && Number(parent) === engine.pid;
    } catch {
      return false;
    }
  });

/** The engine's resident memory in MB, and its descriptors. */
export const footprint = (engine: TestEngine): { rss: number; fds: number } => ({
  rss: Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) / 1024,
  fds: fs.readdirSync(`/proc/${engine.pid}/fd`).length,
});

/** Does `work` for 0 … count-1, `atOnce` of them side by side. */
export async function sideBySide(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Milliseconds that `_ping` took, again and again while `work` went on; sorted. */
export async function pingsDuring(engine: TestEngine, work: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  const state = { goesOn: true };
  const pinging = (async (): Promise<void> => {
    while (state.goesOn) {
      const began = performance.now();
      await engine.get("/_ping");
      took.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  try {
    await work();
  } finally {
    state.goesOn = false;
    await pinging;
  }
  return took.toSorted((a, b) => a - b);
}
