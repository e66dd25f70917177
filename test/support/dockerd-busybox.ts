import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Gantry } from "../../src/sdk/index.ts";
import { chunks } from "../../src/sdk/files.ts";
import { pack } from "../../src/local/pack.ts";

/** A busybox for an engine that can't make one by itself, from Debian's static program. */
export async function importBusybox(gantry: Gantry, name: string): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-busybox-"));
  try {
    for (const one of ["bin", "etc", "tmp", "root", "proc", "sys", "dev"]) fs.mkdirSync(path.join(folder, one));
    fs.copyFileSync("/bin/busybox", path.join(folder, "bin/busybox"));
    for (const applet of execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") fs.symlinkSync("busybox", path.join(folder, "bin", applet));
    }
    fs.writeFileSync(path.join(folder, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await gantry.images.import(chunks(pack(folder)), { name, changes: ['CMD ["sh"]'] });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
