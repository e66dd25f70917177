import fs from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { errnoOf, messageOf } from "../../base/errors.ts";
import type { CdiSpec, CdiSpecs } from "../../ports/cdi-specs.ts";
import { checkSpec } from "./check-spec.ts";

const LARGEST = 4 * 1024 * 1024;

/** CDI's files (.json, .yaml) in folders of the host. They are few and small, and read anew each time. */
export class CdiSpecFolders implements CdiSpecs {
  readonly folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  read(): ReturnType<CdiSpecs["read"]> {
    const errors: { path: string; message: string }[] = [];
    const folders = this.folders.map((folder) =>
      filesIn(folder, errors).flatMap((file) => {
        try {
          return [{ path: file, spec: readSpec(file) }];
        } catch (error) {
          errors.push({ path: file, message: messageOf(error) });
          return [];
        }
      }),
    );
    return { folders, errors };
  }
}

function filesIn(folder: string, errors: { path: string; message: string }[]): string[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => /\.(json|yaml)$/.test(name))
      .toSorted()
      .map((name) => path.join(folder, name));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") errors.push({ path: folder, message: messageOf(error) });
    return [];
  }
}

function readSpec(file: string): CdiSpec {
  if (fs.statSync(file).size > LARGEST) throw new Error("the file is too large");
  const text = fs.readFileSync(file, "utf8");
  return checkSpec(file.endsWith(".json") ? JSON.parse(text) : parse(text));
}
