import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Gantry } from "gantry";

/** An image of this machine's own Redis: the two programs and the libraries they are linked with. Needs no registry. */
export async function buildRedisImage(gantry: Gantry, tag: string): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), "redis-image-"));
  try {
    for (const program of ["/usr/bin/redis-server", "/usr/bin/redis-cli"]) {
      const libraries = execFileSync("ldd", [program], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
      for (const file of [program, ...libraries]) cpSync(file, join(context, file), { dereference: true });
    }
    writeFileSync(join(context, "Dockerfile"), 'FROM scratch\nCOPY . /\nCMD ["redis-server", "--save", "", "--protected-mode", "no"]\n');
    await gantry.images.build({ context, tags: [tag] });
  } finally {
    rmSync(context, { recursive: true });
  }
}
