import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { Changes } from "../../../src/local/changes.ts";
import { until } from "../../support/until.ts";
import { namedFolder } from "../../../src/local/context.ts";

const made = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-changes-"));
after(() => fs.rmSync(made, { recursive: true }));

function folder(files: Record<string, string>): string {
  const root = fs.mkdtempSync(path.join(made, "f-"));
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
    fs.utimesSync(path.join(root, name), 1, 1);
  }
  return fs.realpathSync(root);
}

async function changed(root: string, act: () => void, without: string[] = []): Promise<string[]> {
  // Files of this very moment might be taken for changed ones.
  const made = Date.now();
  await until(() => Date.now() > made + 120, { what: "the clock to go on" });
  const changes = new Changes([namedFolder(root, "/")], without);
  try {
    act();
    return (await changes.next).map((name) => path.relative(root, name));
  } finally {
    changes.close();
  }
}

describe("changes of a folder", () => {
  it("are told once there is rest: files that are written, renamed over others, made and removed", async () => {
    const root = folder({ a: "1", "deep/er/b": "1", gone: "1" });
    const at = (name: string): string => path.join(root, name);
    const names = await changed(root, () => {
      fs.writeFileSync(at("a"), "2");
      fs.writeFileSync(at("deep/er/.b.swp"), "2");
      fs.renameSync(at("deep/er/.b.swp"), at("deep/er/b"));
      fs.mkdirSync(at("new/er"), { recursive: true });
      fs.writeFileSync(at("new/er/c"), "1");
      fs.rmSync(at("gone"));
    });
    assert.deepEqual(names, ["a", "deep/er/b", "gone", "new", "new/er", "new/er/c"]);
  });

  it("are none where .dockerignore or the owner leaves them out, or a file came and went", async () => {
    const root = folder({ ".dockerignore": "out\n*.log\n", a: "1", "out/x": "1", "made/x": "1" });
    const at = (name: string): string => path.join(root, name);
    const names = await changed(root, () => {
      fs.writeFileSync(at("out/x"), "2");
      fs.writeFileSync(at("b.log"), "2");
      fs.writeFileSync(at("made/x"), "2");
      fs.writeFileSync(at("4913"), "");
      fs.rmSync(at("4913"));
      setTimeout(() => fs.writeFileSync(at("a"), "2"), 500);
    }, [at("made")]);
    assert.deepEqual(names, ["a"]);
  });

  it("of 5000 files take a watch for each folder, and little time", async () => {
    const root = folder({});
    for (let n = 0; n < 5000; n += 1) {
      const name = path.join(root, `d${n % 50}`, `f${n}`);
      if (n < 50) fs.mkdirSync(path.dirname(name));
      fs.writeFileSync(name, "x");
    }
    const watches = (): number =>
      fs.readdirSync("/proc/self/fdinfo").reduce((sum, fd) => {
        try {
          return sum + (fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^inotify /gm)?.length ?? 0);
        } catch {
          return sum;
        }
      }, 0);
    const before = watches();
    const began = performance.now();
    const changes = new Changes([namedFolder(root, "/")], []);
    const took = performance.now() - began;
    assert.equal(watches() - before, 51);
    changes.close();
    assert.ok(took < 2000, `${took} ms`);
  });
});
