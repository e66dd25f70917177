import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goJson } from "../format/json.ts";
import { naturally } from "../format/words.ts";
import { DEFAULT_CONTEXT } from "./context-name.ts";

/** One context's meta.json; what else is in it is kept. */
export interface ContextMeta {
  Name: string;
  Metadata: { Description?: string; [key: string]: unknown };
  Endpoints: { docker?: { Host?: string; SkipTLSVerify: boolean }; [key: string]: unknown };
}

/** PEM files by endpoint ("docker") and name ("ca.pem"). */
export type TlsFiles = Record<string, Record<string, Buffer>>;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** Throws Error for a name that no context of one's own may have. */
export function checkName(name: string): void {
  if (name === "") throw new Error("context name cannot be empty");
  if (name === DEFAULT_CONTEXT) throw new Error('"default" is a reserved context name');
  if (!NAME.test(name)) {
    throw new Error(
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp ${JSON.stringify(NAME.source)}`,
    );
  }
}

/** The folder `contexts` beside config.json, as docker keeps it: named by the hash of the context's name. */
export class ContextStore {
  private readonly root: string;

  constructor(configDir: string) {
    this.root = join(configDir, "contexts");
  }

  metaFolder(name: string): string {
    return join(this.root, "meta", idOf(name));
  }

  tlsFolder(name: string): string {
    return join(this.root, "tls", idOf(name));
  }

  has(name: string): boolean {
    return existsSync(join(this.metaFolder(name), "meta.json"));
  }

  /** In people's order. Throws for one that can't be read. */
  list(): ContextMeta[] {
    return namesIn(join(this.root, "meta"))
      .map((id) => JSON.parse(readFileSync(join(this.root, "meta", id, "meta.json"), "utf8")) as ContextMeta)
      .toSorted((a, b) => naturally(a.Name, b.Name));
  }

  get(name: string): ContextMeta {
    const path = join(this.metaFolder(name), "meta.json");
    try {
      return JSON.parse(readFileSync(path, "utf8")) as ContextMeta;
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const reason = missing ? `context not found: open ${path}: no such file or directory` : (error as Error).message;
      throw new Error(`context ${JSON.stringify(name)}: ${reason}`, { cause: error });
    }
  }

  tls(name: string): TlsFiles {
    const folder = this.tlsFolder(name);
    const filesOf = (endpoint: string): Record<string, Buffer> =>
      Object.fromEntries(
        namesIn(join(folder, endpoint)).map((file) => [file, readFileSync(join(folder, endpoint, file))]),
      );
    return Object.fromEntries(namesIn(folder).map((endpoint) => [endpoint, filesOf(endpoint)]));
  }

  /** Keeps a context; `tls` undefined leaves its files as they are. The keys are there before they are asked for. */
  save(meta: ContextMeta, tls?: TlsFiles): void {
    if (tls !== undefined) {
      const folder = this.tlsFolder(meta.Name);
      rmSync(folder, { recursive: true, force: true });
      for (const [endpoint, files] of Object.entries(tls)) {
        mkdirSync(join(folder, endpoint), { recursive: true, mode: 0o700 });
        for (const [file, data] of Object.entries(files)) writeWhole(join(folder, endpoint, file), data, 0o600);
      }
    }
    mkdirSync(this.metaFolder(meta.Name), { recursive: true, mode: 0o755 });
    writeWhole(join(this.metaFolder(meta.Name), "meta.json"), goJson(meta), 0o644);
  }

  remove(name: string): void {
    rmSync(this.metaFolder(name), { recursive: true, force: true });
    rmSync(this.tlsFolder(name), { recursive: true, force: true });
  }
}

const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function writeWhole(path: string, data: string | Buffer, mode: number): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, data, { mode, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
