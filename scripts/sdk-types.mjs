// Writes the SDK's declarations, with those of all that it shows, into a folder: what `import { Gantry } from "gantry"` is
// typed by.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const REPO = resolve(import.meta.dirname, "..");

export async function emitTypes(folder) {
  const outDir = resolve(folder);
  const scratch = mkdtempSync(join(tmpdir(), "gantry-types-"));
  try {
    const config = join(scratch, "tsconfig.json");
    const compilerOptions = {
      ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
      ...{ rootDir: join(REPO, "src"), outDir, typeRoots: [join(REPO, "node_modules/@types")] },
    };
    const files = [join(REPO, "src/sdk/index.ts")];
    writeFileSync(
      config,
      JSON.stringify({ extends: join(REPO, "tsconfig.json"), compilerOptions, include: [], files }),
    );
    const tsc = join(REPO, "node_modules/typescript/bin/tsc");
    await promisify(execFile)(process.execPath, [tsc, "-p", config]).catch((error) => {
      throw new Error(`the SDK's types: ${error.stdout || error.message}`);
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  // Declarations stand beside no sources: what they import is a .js.
  for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(outDir, name);
    writeFileSync(file, readFileSync(file, "utf8").replace(/((?:from|import\()\s*"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"'));
  }
}
