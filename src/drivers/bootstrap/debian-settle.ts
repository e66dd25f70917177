import fs from "node:fs/promises";
import path from "node:path";
import { walk } from "./tree.ts";

/** What an installation leaves that is this machine's, this minute's, or fetched again when it is needed. */
const REMOVED = [
  "etc/hostname",
  "etc/resolv.conf",
  "var/lib/dbus/machine-id",
  "var/cache/ldconfig/aux-cache",
  "var/cache/apt/pkgcache.bin",
  "var/cache/apt/srcpkgcache.bin",
];
/** Folders whose files go while the folders stay. */
const EMPTIED = ["dev", "run", "tmp", "var/log", "var/cache/apt/archives", "var/lib/apt/lists"];

/** apt and dpkg in an image: no services started, no caches kept, no translations fetched, no waiting for the disk. */
const SETTINGS: [name: string, mode: number, content: string][] = [
  ["usr/sbin/policy-rc.d", 0o755, "#!/bin/sh\n# No service is started while an image is built.\nexit 101\n"],
  ["etc/dpkg/dpkg.cfg.d/docker-apt-speedup", 0o644, "force-unsafe-io\n"],
  [
    "etc/apt/apt.conf.d/docker-clean",
    0o644,
    `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
`,
  ],
  ["etc/apt/apt.conf.d/docker-no-languages", 0o644, 'Acquire::Languages "none";\n'],
  ["etc/apt/apt.conf.d/docker-gzip-indexes", 0o644, 'Acquire::GzipIndexes "true";\n'],
  ["etc/apt/apt.conf.d/docker-autoremove-suggests", 0o644, 'Apt::AutoRemove::SuggestsImportant "false";\n'],
];

const DOCUMENTATION = ["groff", "info", "linda", "lintian", "man"];

/** dpkg's own rules for packages installed later into a slim image. */
const SLIM_RULES = `${[...DOCUMENTATION, "doc", "locale"].map((name) => `path-exclude /usr/share/${name}/*`).join("\n")}
path-include /usr/share/doc/*/copyright
path-include /usr/share/locale/locale.alias
`;

/**
 * Makes a fresh installation at `root` an image: takes out what is the machine's own, sets apt up as Docker's Debian
 * images do, and for `slim` leaves out documentation. Returns the time of the newest file out of a package.
 */
export async function settleDebianTree(root: string, { slim, epoch }: { slim: boolean; epoch: number }): Promise<Date> {
  const at = (name: string): string => path.join(root, name);
  const newest = await newestPackageFile(root);
  for (const name of REMOVED) await fs.rm(at(name), { force: true });
  for (const name of EMPTIED) await emptyFolder(at(name));
  for (const name of ["var/lib/dpkg", "var/cache/debconf"]) await removeBackups(at(name));
  if (await exists(at("etc/machine-id"))) await fs.writeFile(at("etc/machine-id"), "");
  if (slim) await slimDown(root);
  for (const [name, mode, content] of SETTINGS) {
    await fs.writeFile(at(name), content);
    await fs.chmod(at(name), mode);
  }
  await fs.chmod(root, 0o755);
  return new Date(Math.max(newest, epoch) * 1000);
}

async function exists(file: string): Promise<boolean> {
  return fs.lstat(file).then(
    () => true,
    () => false,
  );
}

async function emptyFolder(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  const keepFolders = !folder.endsWith("/dev");
  await walk(folder, async (file, stats) => {
    if (!stats.isDirectory()) await fs.rm(file);
    else if (!keepFolders) await fs.rmdir(file);
  });
}

async function removeBackups(folder: string): Promise<void> {
  for (const name of await fs.readdir(folder)) if (name.endsWith("-old")) await fs.rm(path.join(folder, name));
}

async function slimDown(root: string): Promise<void> {
  const share = path.join(root, "usr/share");
  for (const name of DOCUMENTATION) await removeContents(path.join(share, name), () => false);
  await removeContents(path.join(share, "doc"), (file) => path.basename(file) === "copyright");
  await removeContents(path.join(share, "locale"), (file) => path.basename(file) === "locale.alias");
  await fs.writeFile(path.join(root, "etc/dpkg/dpkg.cfg.d/docker"), SLIM_RULES);
}

/** Removes the files that are not kept, and the folders that become empty. */
async function removeContents(folder: string, keep: (file: string) => boolean): Promise<void> {
  if (!(await exists(folder))) return;
  await walk(folder, async (file, stats) => {
    if (!stats.isDirectory()) {
      if (!keep(file)) await fs.rm(file);
    } else if ((await fs.readdir(file)).length === 0) await fs.rmdir(file);
  });
}

/** Seconds since the epoch; files that the installation itself wrote don't count. */
async function newestPackageFile(root: string): Promise<number> {
  const info = path.join(root, "var/lib/dpkg/info");
  const started = Math.floor((await fs.lstat(path.join(root, "var/lib/dpkg/status"))).mtimeMs / 1000);
  let newest = 0;
  for (const list of (await fs.readdir(info)).filter((name) => name.endsWith(".list"))) {
    const documents = (await fs.readFile(path.join(info, list), "utf8"))
      .split("\n")
      .filter((name) => /^\/usr\/share\/doc\/.*changelog/.test(name));
    for (const name of documents) {
      const stats = await fs.lstat(path.join(root, name)).catch(() => undefined);
      const time = Math.floor((stats?.mtimeMs ?? 0) / 1000);
      if (stats?.isFile() && time < started) newest = Math.max(newest, time);
    }
  }
  return newest;
}
