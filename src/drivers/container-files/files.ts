import fs from "node:fs";
import path from "node:path";
import type { Owner } from "../../base/id-map.ts";
import type { ContainerFiles, ContainerPaths } from "../../ports/container-files.ts";

/** A container may write what it likes into it. */
const ETC_LIMIT = 1024 * 1024;

export class HostContainerFiles implements ContainerFiles {
  private readonly dataRoot: string;
  private readonly execRoot: string;

  constructor(dataRoot: string, execRoot: string) {
    this.dataRoot = path.join(dataRoot, "containers");
    this.execRoot = path.join(execRoot, "bundles");
    fs.mkdirSync(this.dataRoot, { recursive: true, mode: 0o700 });
    fs.mkdirSync(this.execRoot, { recursive: true, mode: 0o700 });
  }

  paths(id: string): ContainerPaths {
    const data = path.join(this.dataRoot, id);
    return {
      bundle: path.join(this.execRoot, id),
      hosts: path.join(data, "hosts"),
      resolvConf: path.join(data, "resolv.conf"),
      hostname: path.join(data, "hostname"),
      log: path.join(data, "container.log"),
      checkpoints: path.join(data, "checkpoints"),
    };
  }

  prepare(id: string): void {
    fs.mkdirSync(path.join(this.dataRoot, id), { recursive: true, mode: 0o700 });
    fs.mkdirSync(path.join(this.execRoot, id), { recursive: true, mode: 0o700 });
  }

  write(
    id: string,
    files: { spec?: string; hosts?: string; resolvConf?: string; hostname?: string },
    owner: Owner = { uid: 0, gid: 0 },
  ): void {
    const paths = this.paths(id);
    if (files.spec !== undefined) fs.writeFileSync(path.join(paths.bundle, "config.json"), files.spec);
    for (const name of ["hosts", "resolvConf", "hostname"] as const) {
      const text = files[name];
      if (text === undefined) continue;
      fs.writeFileSync(paths[name], text);
      fs.chownSync(paths[name], owner.uid, owner.gid);
    }
  }

  readHosts(id: string): string | undefined {
    return readShort(this.paths(id).hosts);
  }

  readResolvConf(id: string): string | undefined {
    return readShort(this.paths(id).resolvConf);
  }

  etc(id: string): { source: string; destination: string; readOnly: boolean; folder: boolean }[] {
    const { hosts, hostname, resolvConf } = this.paths(id);
    return [hosts, hostname, resolvConf]
      .filter((source) => fs.existsSync(source))
      .map((source) => ({ source, destination: `/etc/${path.basename(source)}`, readOnly: false, folder: false }));
  }

  removeBundle(id: string): void {
    fs.rmSync(path.join(this.execRoot, id), { recursive: true, force: true });
  }

  remove(id: string): void {
    this.removeBundle(id);
    fs.rmSync(path.join(this.dataRoot, id), { recursive: true, force: true });
  }

  execFolder(id: string, execId: string): string {
    const folder = path.join(this.execRoot, id, "exec", execId.slice(0, 16));
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  removeExecFolder(id: string, execId: string): void {
    fs.rmSync(path.join(this.execRoot, id, "exec", execId.slice(0, 16)), { recursive: true, force: true });
  }

  list(): string[] {
    const names = new Set([...fs.readdirSync(this.dataRoot), ...fs.readdirSync(this.execRoot)]);
    return [...names].filter((name) => /^[0-9a-f]{64}$/.test(name));
  }
}

function readShort(file: string): string | undefined {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size;
  return size === undefined || size > ETC_LIMIT ? undefined : fs.readFileSync(file, "utf8");
}
