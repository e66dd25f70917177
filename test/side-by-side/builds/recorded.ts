import fs from "node:fs";
import path from "node:path";
import type { Outcome } from "./builders.ts";
import type { PeerName } from "./compare.ts";

const FOLDER = path.join(import.meta.dirname, "answers");

export interface Recorded {
  version: string;
  /** By the names of the cases. */
  outcomes: Record<string, Outcome>;
}

export function recordedBuilds(peer: PeerName): Recorded {
  const file = path.join(FOLDER, `${peer}.json`);
  if (!fs.existsSync(file)) return { version: "", outcomes: {} };
  return JSON.parse(fs.readFileSync(file, "utf8")) as Recorded;
}

export function recordBuilds(peer: PeerName, recorded: Recorded): void {
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, `${peer}.json`), `${JSON.stringify(recorded, undefined, 1)}\n`);
}
