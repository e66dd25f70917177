import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";

/** Where a plugin listens. */
export type PluginAddress =
  | { socketPath: string }
  | { host: string; port: number; tls?: { ca?: string; cert?: string; key?: string; insecure: boolean } };

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const ENDINGS = [".sock", ".spec", ".json"] as const;

/**
 * Looks for a plugin's socket or specification, `<folder>/<name>.sock` or `<folder>/<name>/<name>.sock`, folder by
 * folder; undefined when there is none. Throws invalid BAD_PLUGIN_SPEC.
 */
export function findAddress(folders: readonly string[], name: string): PluginAddress | undefined {
  if (!NAME.test(name)) return undefined;
  for (const folder of folders) {
    for (const ending of ENDINGS) {
      for (const file of [path.join(folder, name + ending), path.join(folder, name, name + ending)]) {
        const address = readAddress(file, ending);
        if (address !== undefined) return address;
      }
    }
  }
  return undefined;
}

/** Names that have a socket or a specification. */
export function listNames(folders: readonly string[]): string[] {
  const names = folders.flatMap((folder) =>
    entriesOf(folder).flatMap(({ name, isFolder }) => {
      const own = isFolder ? entriesOf(path.join(folder, name)).map((entry) => entry.name) : [];
      if (own.some((file) => ENDINGS.some((ending) => file === name + ending))) return [name];
      const ending = ENDINGS.find((one) => name.endsWith(one));
      return isFolder || ending === undefined ? [] : [name.slice(0, -ending.length)];
    }),
  );
  return [...new Set(names)].filter((name) => NAME.test(name)).toSorted();
}

function entriesOf(folder: string): { name: string; isFolder: boolean }[] {
  try {
    const entries = fs.readdirSync(folder, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(errnoOf(error) ?? "")) return [];
    throw error;
  }
}

function readAddress(file: string, ending: (typeof ENDINGS)[number]): PluginAddress | undefined {
  try {
    if (ending === ".sock") return fs.statSync(file).isSocket() ? { socketPath: file } : undefined;
    const text = fs.readFileSync(file, "utf8");
    return ending === ".json" ? ofDocument(JSON.parse(text)) : ofUrl(text.trim());
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(cause) ?? "")) return undefined;
    throw new GantryError("invalid", "BAD_PLUGIN_SPEC", `plugin specification ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'a .spec file holds unix:///path or tcp://host:port, a .json file {"Addr": "…"}',
    });
  }
}

interface SpecDocument {
  Addr?: unknown;
  TLSConfig?: { InsecureSkipVerify?: boolean; CAFile?: string; CertFile?: string; KeyFile?: string };
}

function ofDocument(document: SpecDocument | null): PluginAddress {
  if (typeof document?.Addr !== "string") throw new Error("it names no Addr");
  const address = ofUrl(document.Addr);
  const { TLSConfig: tls } = document;
  if (!tls || "socketPath" in address) return address;
  const { InsecureSkipVerify: insecure = false, CAFile: ca, CertFile: cert, KeyFile: key } = tls;
  return { ...address, tls: { insecure, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } };
}

function ofUrl(text: string): PluginAddress {
  if (text.startsWith("unix:///")) return { socketPath: text.slice("unix://".length) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["tcp:", "http:", "https:"].includes(url.protocol) || !url.hostname || !url.port) {
    throw new Error(`unknown address ${JSON.stringify(text)}`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const secure = url.protocol === "https:" ? { tls: { insecure: false } } : {};
  return { host, port: Number(url.port), ...secure };
}
