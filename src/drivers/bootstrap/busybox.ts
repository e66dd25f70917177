import fs from "node:fs/promises";
import path from "node:path";
import { errnoOf, GantryError } from "../../base/errors.ts";
import { run } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";

const PLACES = ["/bin/busybox", "/usr/bin/busybox"];

/** The folders of the image, parents first. */
const FOLDERS: [name: string, mode: number][] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["lib", 0o755],
  ["proc", 0o755],
  ["root", 0o700],
  ["run", 0o755],
  ["sbin", 0o755],
  ["sys", 0o755],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/spool", 0o755],
  ["var/spool/mail", 0o755],
  ["var/www", 0o755],
];

const FILES: [name: string, mode: number, content: string][] = [
  [
    "etc/passwd",
    0o644,
    `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`,
  ],
  [
    "etc/group",
    0o644,
    `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nobody:x:65534:
`,
  ],
  [
    "etc/shadow",
    0o640,
    ["root", "daemon", "bin", "sys", "sync", "mail", "www-data", "operator", "nobody"]
      .map((name) => `${name}:*:10933:0:99999:7:::\n`)
      .join(""),
  ],
  ["etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"],
];

/**
 * Makes the tree of a busybox image at `root`: one static program under all its names. Returns when the program was
 * made. Throws unavailable BASE_TOOL_MISSING.
 */
export async function makeBusyboxTree(
  root: string,
  options: { onStatus: (status: string) => void; busybox?: string },
): Promise<Date> {
  const program = options.busybox ?? (await findBusybox());
  options.onStatus("Reading the names of busybox's commands");
  const names = await commandsOf(program);
  await fs.mkdir(root);
  await fs.chmod(root, 0o755);
  options.onStatus("Making the root file system");
  for (const [name, mode] of FOLDERS) {
    await fs.mkdir(path.join(root, name));
    // A mode given to mkdir passes through the umask.
    await fs.chmod(path.join(root, name), mode);
  }
  for (const [name, mode, content] of FILES) {
    await fs.writeFile(path.join(root, name), content);
    await fs.chmod(path.join(root, name), mode);
  }
  const inside = path.join(root, "bin/busybox");
  await fs.copyFile(program, inside);
  await fs.chmod(inside, 0o755);
  for (const name of names) if (name !== "busybox") await fs.link(inside, path.join(root, "bin", name));
  // Scripts begin with #!/usr/bin/env.
  await fs.symlink("../../bin/env", path.join(root, "usr/bin/env"));
  const { mtimeMs } = await fs.stat(program);
  return new Date(Math.floor(mtimeMs / 1000) * 1000);
}

const missing = (message: string): GantryError =>
  new GantryError("unavailable", "BASE_TOOL_MISSING", message, { hint: "apt-get install busybox-static" });

async function findBusybox(): Promise<string> {
  for (const place of PLACES) {
    try {
      await fs.access(place, fs.constants.X_OK);
      return place;
    } catch {
      // the next place, then
    }
  }
  throw missing(`there is no busybox on this machine (looked at ${PLACES.join(", ")})`);
}

async function commandsOf(program: string): Promise<string[]> {
  if (await needsLoader(program))
    throw missing(`${program} is not statically linked: it would not run in an empty image`);
  try {
    const { stdout } = await run(program, ["--list"], { timeout: 10_000 });
    return stdout
      .toString("utf8")
      .split("\n")
      .filter((name) => /^[\w.[\]-]+$/.test(name) && name !== "." && name !== "..");
  } catch (cause) {
    if (!(cause instanceof ToolError)) throw cause;
    throw new GantryError("unavailable", "BASE_TOOL_MISSING", `${program} does not run: ${cause.stderr}`, {
      cause,
      hint: "apt-get install --reinstall busybox-static",
    });
  }
}

/** True if an ELF program names an interpreter (PT_INTERP), so needs shared libraries. */
async function needsLoader(program: string): Promise<boolean> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(program);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") throw missing(`there is no busybox at ${program}`);
    throw cause;
  }
  try {
    const { buffer: head, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    const little = head[5] === 1;
    if (bytesRead < 64 || head.toString("latin1", 1, 4) !== "ELF" || !little) return true;
    const wide = head[4] === 2;
    const table = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
    const size = head.readUInt16LE(wide ? 54 : 42);
    const count = head.readUInt16LE(wide ? 56 : 44);
    for (let i = 0; i < count; i += 1) {
      const at = table + i * size;
      if (at + 4 > bytesRead) return true;
      if (head.readUInt32LE(at) === PT_INTERP) return true;
    }
    return false;
  } finally {
    await handle.close();
  }
}

const PT_INTERP = 3;
