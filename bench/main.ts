import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { exec, manyAtOnce, ownClient, runWithBridge, runWithoutNetwork, startAndRemove } from "./containers.ts";
import { GANTRY, startGantryd } from "./gantry.ts";
import { builds, transfers } from "./images.ts";
import type { Measured } from "./measure.ts";
import { idleWork } from "./idle-work.ts";
import { idle, perContainer } from "./memory.ts";
import { manyPorts, networks } from "./networks.ts";
import { startDockerd } from "./peer.ts";
import { docker, run, type Side } from "./side.ts";
import { ratioOf, reached, table } from "./table.ts";

/** By the name that the command line takes; in this order. */
const CASES: Record<string, (sides: Side[], folder: string) => Promise<Measured[]>> = {
  idle: (sides) => idle(sides, "before"),
  run: runWithBridge,
  none: runWithoutNetwork,
  gantry: ownClient,
  exec,
  detached: startAndRemove,
  many: manyAtOnce,
  containers: perContainer,
  work: idleWork,
  networks,
  ports: manyPorts,
  build: builds,
  transfer: transfers,
  after: (sides) => idle(sides, "after all this"),
};

async function main(names: string[]): Promise<void> {
  const unknown = names.find((name) => !(name in CASES));
  if (unknown !== undefined) {
    throw new Error(`bench: unknown case: ${unknown} (there are ${Object.keys(CASES).join(", ")})`);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-bench-"));
  const sides: Side[] = [];
  const results: Measured[] = [];
  try {
    sides.push(await startDockerd(folder), await startGantryd(folder));
    await shareBusybox(sides);
    for (const name of names.length > 0 ? names : Object.keys(CASES)) {
      process.stderr.write(`${name} …\n`);
      const found = await CASES[name]!(sides, folder);
      process.stderr.write(table(found));
      results.push(...found);
    }
  } finally {
    for (const side of sides) await side.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? "?"}, Linux ${os.release()}, Node ${process.version}`;
  const versions = Object.fromEntries(sides.map(({ name, version }) => [name, version]));
  process.stdout.write(`\n${machine}\ndockerd ${versions["dockerd"]}, gantryd ${versions["gantryd"]}; medians\n\n`);
  process.stdout.write(table(results));
  const file = path.join(import.meta.dirname, "results.json");
  const rows = results.map((result) => ({ ...result, ratio: ratioOf(result), reached: reached(result) }));
  fs.writeFileSync(
    file,
    `${JSON.stringify({ at: new Date().toISOString(), machine, versions, results: rows }, null, 2)}\n`,
  );
}

/** The same image on both sides, down to the layer. */
async function shareBusybox(sides: Side[]): Promise<void> {
  const [peer, own] = sides as [Side, Side];
  await run(GANTRY, ["image", "bootstrap", "busybox"], { env: own.env });
  const saved = spawn("docker", ["save", "busybox"], { env: own.env, stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  for await (const chunk of saved.stdout) chunks.push(chunk as Buffer);
  await docker(peer, ["load", "-q"], { input: Buffer.concat(chunks) });
}

await main(process.argv.slice(2));
