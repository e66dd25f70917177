import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { LocalBaseImages } from "../../src/drivers/bootstrap/maker.ts";
import { run } from "../../src/drivers/process/run.ts";
import { TarArchive } from "../../src/drivers/tar/tar-archive.ts";
import type { BaseImageRecipe } from "../../src/ports/base-image-maker.ts";

const never = new AbortController().signal;
let folder = "";
let images: LocalBaseImages;

before(() => {
  // Nobody else may enter, as in a real data root.
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-bootstrap-"));
  images = maker();
});

after(() => {
  assert.deepEqual(fs.readdirSync(folder), [], "temporary trees are gone");
  fs.rmSync(folder, { recursive: true, force: true });
});

/** The archive's worker from its source: Node 20 starts no TypeScript in a thread by itself. */
function workerUrl(): URL {
  const loader = import.meta.resolve("tsx/esm/api");
  const worker = new URL("../../src/drivers/tar/worker.ts", import.meta.url);
  const code = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(worker)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

function maker(busybox?: string): LocalBaseImages {
  const archive = new TarArchive({ workerUrl: workerUrl(), idle: 100 });
  return new LocalBaseImages({ archive, tempRoot: folder, ...(busybox === undefined ? {} : { busybox }) });
}

interface Made {
  bytes: Buffer;
  digest: string;
  created: string;
  statuses: string[];
}

async function make(recipe: BaseImageRecipe): Promise<Made> {
  const statuses: string[] = [];
  return images.make(
    recipe,
    { onStatus: (status) => statuses.push(status), signal: never },
    async ({ tar, created }) => {
      const bytes = await buffer(tar);
      return { bytes, digest: createHash("sha256").update(bytes).digest("hex"), created, statuses };
    },
  );
}

/** GNU tar's listing: mode, owner, size, date, time, name. */
async function listing(bytes: Buffer): Promise<Map<string, string[]>> {
  const stdout = execFileSync("tar", ["-tv", "--numeric-owner", "--full-time", "--utc"], { input: bytes });
  const entries = stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/\s+/));
  return new Map(entries.map((fields) => [(fields[5] ?? "").replace(/^\.\//, "").replace(/\/$/, ""), fields]));
}

test("a busybox image is the same bytes every time", async () => {
  const first = await make({ family: "busybox" });
  const second = await make({ family: "busybox" });
  assert.equal(first.digest, second.digest);
  assert.equal(first.created, second.created);
  assert.match(first.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(first.statuses.length >= 2);
});

test("a busybox image has all commands, users and the folders with their modes", async () => {
  const { bytes, created } = await make({ family: "busybox" });
  const entries = await listing(bytes);
  for (const name of [
    "bin/busybox",
    "bin/sh",
    "bin/httpd",
    "bin/wget",
    "bin/[",
    "etc/passwd",
    "etc/group",
    "usr/bin/env",
  ]) {
    assert.ok(entries.has(name), name);
  }
  assert.match(entries.get("tmp")?.[0] ?? "", /^drwxrwxrwt/);
  assert.match(entries.get("root")?.[0] ?? "", /^drwx------/);
  assert.match(entries.get("bin/busybox")?.[0] ?? "", /^[-h]rwxr-xr-x/);
  const latest = Date.parse(created);
  for (const [name, [, owner, , date, time]] of entries) {
    assert.equal(owner, "0/0", name);
    assert.ok(Date.parse(`${date}T${time}Z`) <= latest, name);
  }
  assert.ok(bytes.length < 4 << 20, `${bytes.length} bytes`);
});

test("the commands run inside the image", async () => {
  const root = path.join(folder, "root");
  try {
    fs.mkdirSync(root);
    execFileSync("tar", ["-xp", "-C", root], { input: (await make({ family: "busybox" })).bytes });
    const { stdout } = await run("chroot", [
      root,
      "/bin/sh",
      "-c",
      "id -un; env true && echo ok | sed s/ok/fine/; ls -d /tmp",
    ]);
    assert.equal(stdout.toString(), "root\nfine\n/tmp\n");
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
});

test("a busybox that is missing or needs shared libraries is refused with what to install", async () => {
  const expected = { kind: "unavailable", code: "BASE_TOOL_MISSING", hint: /apt-get install busybox-static/ };
  const use = async (): Promise<void> => assert.fail("there is nothing to use");
  for (const program of [path.join(folder, "none"), "/bin/bash", "/etc/passwd"]) {
    await assert.rejects(
      maker(program).make({ family: "busybox" }, { onStatus: () => {}, signal: never }, use),
      expected,
      program,
    );
  }
});

test("what the user of a tree throws comes through, and the tree is gone all the same", async () => {
  const use = async (): Promise<void> => {
    throw new Error("no room");
  };
  await assert.rejects(images.make({ family: "busybox" }, { onStatus: () => {}, signal: never }, use), /no room/);
});

test("a canceled bootstrap ends its tools", async () => {
  const stop = new AbortController();
  const recipe: BaseImageRecipe = { family: "debian", suite: "bookworm", slim: false, epoch: 1_686_355_200 };
  const onStatus = (): void => stop.abort();
  await assert.rejects(
    images.make(recipe, { onStatus, signal: stop.signal }, async () => assert.fail("there is nothing to use")),
    { kind: "canceled" },
  );
});

const slow = process.env["GANTRY_SLOW_TESTS"] === "1";
const skip = slow ? false : "apt and its mirror take a minute: set GANTRY_SLOW_TESTS=1";

test("a mirror that cannot be reached is named", { skip }, async () => {
  const recipe: BaseImageRecipe = {
    family: "debian",
    suite: "bookworm",
    slim: false,
    epoch: 1_686_355_200,
    mirror: "http://127.0.0.1:9/debian",
  };
  await assert.rejects(make(recipe), {
    kind: "unavailable",
    code: "MIRROR_UNREACHABLE",
    message: /^cannot get packages from http:\/\/127\.0\.0\.1:9\/debian: /,
  });
});

test("a Debian image is the same bytes every time and has nothing of this machine", { skip }, async () => {
  const recipe: BaseImageRecipe = { family: "debian", suite: "bookworm", slim: true, epoch: 1_686_355_200 };
  const first = await make(recipe);
  const entries = await listing(first.bytes);
  for (const name of ["etc/hostname", "etc/resolv.conf", "dev/null", "var/log/dpkg.log"])
    assert.ok(!entries.has(name), name);
  for (const name of ["etc/apt/apt.conf.d/docker-clean", "usr/bin/apt-get", "usr/bin/bash", "dev", "proc", "sys"]) {
    assert.ok(entries.has(name), name);
  }
  const second = await make(recipe);
  assert.equal(first.digest, second.digest);
});
