import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** A private temp folder that is gone at the end of the scope (`using`). */
export function scratch(name: string): { path: string; sub(name: string): string } & Disposable {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), `gantry-${name}-`));
  return {
    path: root,
    sub: (name) => {
      const folder = path.join(root, name);
      fs.mkdirSync(folder, { recursive: true });
      return folder;
    },
    [Symbol.dispose]: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}
