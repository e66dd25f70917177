import { GantryError } from "./errors.ts";

/** One `--cache-from`. A local one is a folder of the client's. */
export type CacheSource =
  | { type: "image"; reference: string }
  | { type: "registry"; reference: string }
  | { type: "local"; folder: string; tag: string };

/** One `--cache-to`; `all`: steps of every stage, not only those that the image is made of. */
export type CacheTarget =
  | { type: "inline" }
  | ({ type: "registry"; reference: string } & TargetOptions)
  | ({ type: "local"; folder: string; tag: string } & TargetOptions);

interface TargetOptions {
  all: boolean;
  ignoreError: boolean;
}

const TAG = "latest";

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_CACHE_OPTION", message, { hint });

/** `alpine`, `type=registry,ref=host/app:cache`, `type=local,src=DIR`: whole or cut at their commas. Throws invalid BAD_CACHE_OPTION. */
export function parseCacheSources(texts: readonly string[]): CacheSource[] {
  return entriesOf(texts).map((entry) => {
    if (typeof entry === "string") return { type: "image", reference: entry };
    const fields = new Fields("cache-from", entry);
    const type = fields.type();
    if (type === "inline") throw bad("an inline cache is in its image", "name the image: --cache-from NAME");
    const source: CacheSource =
      type === "registry"
        ? { type, reference: fields.needed("ref") }
        : { type, folder: fields.needed("src"), tag: fields.take("tag") ?? TAG };
    fields.end();
    return source;
  });
}

/** `type=registry,ref=host/app:cache,mode=max`, `type=local,dest=DIR`, `type=inline`. Throws invalid BAD_CACHE_OPTION. */
export function parseCacheTargets(texts: readonly string[]): CacheTarget[] {
  return entriesOf(texts).map((entry) => {
    // BuildKit takes a bare name for a registry's too.
    const fields = new Fields("cache-to", typeof entry === "string" ? ["type=registry", `ref=${entry}`] : entry);
    const type = fields.type();
    const mode = fields.take("mode") ?? "min";
    if (mode !== "min" && mode !== "max") throw bad(`--cache-to: mode is min or max, not ${mode}`);
    const options = { all: mode === "max", ignoreError: fields.take("ignore-error") === "true" };
    fields.expect("compression", "gzip");
    fields.expect("oci-mediatypes", "true");
    fields.expect("image-manifest", "true");
    const target: CacheTarget =
      type === "inline"
        ? { type }
        : type === "registry"
          ? { type, reference: fields.needed("ref"), ...options }
          : { type, folder: fields.needed("dest"), tag: fields.take("tag") ?? TAG, ...options };
    fields.end();
    return target;
  });
}

/** Names, and lists of fields that begin with `type=…`. No image's name has a `=`. */
function entriesOf(texts: readonly string[]): (string | string[])[] {
  const entries: (string | string[])[] = [];
  for (const part of texts.flatMap((text) => text.split(","))) {
    const last = entries.at(-1);
    if (part.startsWith("type=")) entries.push([part]);
    else if (!part.includes("=")) entries.push(part);
    else if (Array.isArray(last)) last.push(part);
    else throw bad(`type is missing before ${part}`, "as in type=registry,ref=NAME");
  }
  return entries;
}

class Fields {
  private readonly flag: string;
  private readonly given: Map<string, string>;

  constructor(flag: string, fields: readonly string[]) {
    this.flag = `--${flag}`;
    this.given = new Map(
      fields.map((field) => {
        const at = field.indexOf("=");
        return [field.slice(0, at).toLowerCase(), field.slice(at + 1)];
      }),
    );
  }

  type(): "registry" | "local" | "inline" {
    const type = this.take("type");
    if (type === "registry" || type === "local" || type === "inline") return type;
    throw bad(`${this.flag}: unknown cache type ${type}`, "types are registry, local and inline");
  }

  take(key: string): string | undefined {
    const value = this.given.get(key);
    this.given.delete(key);
    return value;
  }

  needed(key: string): string {
    const value = this.take(key);
    if (value) return value;
    throw bad(`${this.flag}: ${key} is missing`);
  }

  /** What can be said, but has one value only. */
  expect(key: string, only: string): void {
    const value = this.take(key) ?? only;
    if (value !== only) throw bad(`${this.flag}: ${key}=${value} is not supported`, `${key} is always ${only}`);
  }

  end(): void {
    const [unknown] = this.given.keys();
    if (unknown !== undefined) throw bad(`${this.flag}: unknown option ${unknown}`);
  }
}
