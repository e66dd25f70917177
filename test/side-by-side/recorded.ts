import fs from "node:fs";
import path from "node:path";
import type { Answer } from "./scenario.ts";
import type { Shape } from "./shapes.ts";

const FOLDER = path.join(import.meta.dirname, "answers");

/** Of what the answers in the folder are. */
export interface About {
  dockerd: string;
  /** The docker command writes a part of the answers. */
  cli: string;
}

const read = <T>(name: string): T | undefined => {
  const file = path.join(FOLDER, `${name}.json`);
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as T) : undefined;
};

export const recorded = {
  about: (): About => read<About>("about") ?? { dockerd: "", cli: "" },
  answers: (scenario: string): Answer[] => read<Answer[]>(scenario) ?? [],
  shapes: (): Record<string, Shape> => read<Record<string, Shape>>("api-shapes") ?? {},
};

export function record(name: string, value: About | Answer[] | Record<string, Shape>): void {
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, `${name}.json`), `${JSON.stringify(value, undefined, 1)}\n`);
}
